package decode

import (
	"testing"

	"vswarden/event"
)

func TestLogLoss(t *testing.T) {
	for raw, want := range map[string]event.LogLoss{
		`<14>2026-02-07T11:59:59Z esx1 vobd:  [UserLevelCorrelator] 12us: [vob.user.vmsyslogd.remote.failure] The host "192.0.2.50:7002" has become unreachable. Remote logging to this host has stopped.`: {Kind: event.LossRemote, Target: "192.0.2.50:7002"},
		`<14>2026-02-07T11:59:59Z esx1 vobd:  [UserLevelCorrelator] 12us: [esx.problem.vmsyslogd.remote.failure] The host "udp://192.0.2.50:514" has become unreachable.`:                                  {Kind: event.LossRemote, Target: "udp://192.0.2.50:514"},
		`<11>2026-02-07T11:59:59Z esx1 vmsyslogd[1]: Dropping messages due to log stress (qsize = 25000)`:                                                                                                  {Kind: event.LossStress, Count: 25000},
		`2026-02-07T11:59:59Z Er(11) vmsyslogd[1]: logger 10.100.10.30:514 lost 12 log messages`:                                                                                                           {Kind: event.LossLost, Count: 12, Target: "10.100.10.30:514"},
		wire + `info hostd[1] [Originator@6876 sub=Vimsvc.ha-eventmgr] Event 7 : Issue detected on esx1 in Home: vmsyslog logger 10.100.10.30:514 lost 156959 log messages`:                                {Kind: event.LossLost, Count: 156959, Target: "10.100.10.30:514"},
		`Feb  7 11:58:00 esx4 vmkernel: last message repeated 5 times`:                                                                                                                                     {Kind: event.LossRepeated, Count: 5},
		`Feb  7 11:58:00 esx4 last message repeated 17 times`:                                                                                                                                              {Kind: event.LossRepeated, Count: 17},
		`2026-02-07T11:59:59Z last message repeated 3 times`:                                                                                                                                               {Kind: event.LossRepeated, Count: 3},
		`--- last message repeated 2 times ---`:                                                                                                                                                            {Kind: event.LossRepeated, Count: 2},
	} {
		e := line(raw)
		if e.Loss != want || e.Dataset != event.DatasetLogLoss {
			t.Errorf("%s\n got %+v, dataset %s\nwant %+v", raw, e.Loss, e.Dataset, want)
		}
		checkStrings(t, &e)
	}
	e := line(`<166>1 2026-02-07T11:59:59Z esx9 Hostd 1 - [esx@4413 sub="Libs" msgModified="yes" remoteHostMaxMsgLen="1024" originalLen="4711"] text`)
	if e.Loss != (event.LogLoss{Kind: event.LossModified, Count: 4711}) || e.Dataset != event.DatasetHostd {
		t.Errorf("%+v, %s", e.Loss, e.Dataset)
	}
	for _, raw := range []string{
		wire + "info hostd[1] [Originator@6876 sub=X] Event 7 : I lost my log messages", "<14>2026-02-07T11:59:59Z esx1 vmsyslogd[1]: Logs rotated.",
		wire + "info hostd[1] [Originator@6876 sub=X] Event 7 : lost x5 log messages",
	} {
		if e := line(raw); e.Loss != (event.LogLoss{}) || e.Dataset == event.DatasetLogLoss {
			t.Errorf("%s: %+v", raw, e.Loss)
		}
	}
}

func TestTrap30AbsenceIsCounted(t *testing.T) {
	if e := line(`Feb  7 11:58:00 esx4 vmkernel: last message repeated 5 times`); e.Loss.Count != 5 {
		t.Errorf("%+v", e.Loss)
	}
}

// A shortened message says so in its structured data, wherever that stands.
func TestShortenedMessages(t *testing.T) {
	for raw, count := range map[string]uint64{
		`<166>1 2026-02-07T11:59:59Z esx8 Hostd 1 - [esx@6876 msgModified="Truncated" remoteHostMaxMsgLen="480" originalLen="1210"] text`:                      1210,
		`<166>1 2026-02-07T11:59:59Z esx8 Hostd 1 - [Originator@6876 sub="Libs"][esx@4413 originalLen="1210" msgModified="t"] text`:                            1210,
		`<166>1 2026-02-07T11:59:59Z esx8 Hostd 1 - [esx@6876 msgModified="Truncated"] text`:                                                                   0,
		`<166>2026-02-07T11:59:59Z esx8 Hostd[1]: [Originator@6876 sub=Libs opID=1 msgModified="Truncated" remoteHostMaxMsgLen="480" originalLen="1210"] text`: 1210,
		`<182>2026-02-07T11:59:59Z esx8 vmkernel: [esx@6876 msgModified=Truncated originalLen=1210] cpu0:1)text`:                                               1210,
	} {
		if e := line(raw); e.Loss != (event.LogLoss{Kind: event.LossModified, Count: count}) {
			t.Errorf("%s: %+v", raw, e.Loss)
		}
	}
	if e := line(`<166>2026-02-07T11:59:59Z esx8 Hostd[1]: [Originator@6876 sub=Libs] originalLen=5 msgModified=x`); e.Loss.Kind != event.LossNone {
		t.Errorf("%+v", e.Loss)
	}
}
