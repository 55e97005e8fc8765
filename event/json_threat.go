package event

// MITRE ATT&CK as threat. T1040 names promiscuous mode in its text; a guest that takes another MAC
// address can stand between two others (T1557); an account is locked after too many guesses (T1110).
// T1200 is about hardware and does not fit.
const (
	attack       = `https://attack.mitre.org/`
	threatBegin  = `"threat":{"framework":"MITRE ATT&CK",`
	threatSniff  = threatBegin + `"tactic":{"id":["TA0006","TA0007"],"name":["Credential Access","Discovery"],"reference":["` + attack + `tactics/TA0006/","` + attack + `tactics/TA0007/"]},"technique":{"id":["T1040"],"name":["Network Sniffing"],"reference":["` + attack + `techniques/T1040/"]}},`
	threatMiddle = threatBegin + `"tactic":{"id":["TA0006","TA0009"],"name":["Credential Access","Collection"],"reference":["` + attack + `tactics/TA0006/","` + attack + `tactics/TA0009/"]},"technique":{"id":["T1557"],"name":["Adversary-in-the-Middle"],"reference":["` + attack + `techniques/T1557/"]}},`
	threatGuess  = threatBegin + `"tactic":{"id":["TA0006"],"name":["Credential Access"],"reference":["` + attack + `tactics/TA0006/"]},"technique":{"id":["T1110"],"name":["Brute Force"],"reference":["` + attack + `techniques/T1110/"]}},`
)

// threats holds the object threat by the technique's id.
var threats = map[string]string{"T1040": threatSniff, "T1557": threatMiddle, "T1110": threatGuess}
