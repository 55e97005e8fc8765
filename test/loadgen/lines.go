package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"time"
)

// A line as loadgen sends it, of fixed width wherever it changes from one sending to the next:
//
//	<166>2026-11-20T10:00:00.000Z esx-0042.lab.example Hostd: … seq0042-0000000042 …
//	     stamp, 24 bytes              host digits             token: host, number
//
// The token is what judge looks for. It stands in hostd's and vpxa's opID, inside the VM's name
// of an L2Sec line (so that the line still parses) and at the end of the text elsewhere.
const (
	stampLayout = "2006-01-02T15:04:05.000Z"
	hostDigits  = 4
	numDigits   = 10
	maxHosts    = 10000 // what hostDigits can tell apart
)

// Places that are filled in at each sending, as they stand while a template is composed.
const (
	stampMark = "\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01"
	hostMark  = "esx-\x02\x02\x02\x02.lab.example"
	tokenMark = "seq\x03\x03\x03\x03-\x04\x04\x04\x04\x04\x04\x04\x04\x04\x04"
)

// template is one pre-rendered line and where its changing parts stand.
type template struct {
	text                            []byte
	stamp, host, tokenHost, tokenNo int
}

// The mix in lines of a thousand: what a vSphere host sends on an ordinary day.
const (
	perMille  = 1000
	hostdVpxa = 730
	vmkernel  = 160
	vobd      = 100
	l2sec     = 5
	// What is left is shell, sshd and crond.
)

// What -mix may say.
const (
	mixDay   = "day"
	mixL2Sec = "l2sec"
)

// rounds is how many times the thousand is rendered, each time with other values.
const rounds = 4

// renderMix composes the pool of lines that is sent over and over: of the day's mix, or of L2Sec
// lines alone. It is a function of its arguments.
func renderMix(seed uint64, mix string) []template {
	r := rand.New(rand.NewPCG(seed, 0x7673776172646e))
	pool := make([]template, 0, rounds*perMille)
	for range rounds {
		for i := range perMille {
			if mix == mixL2Sec {
				pool = append(pool, newTemplate(composeL2Sec(r, i)))
				continue
			}
			pool = append(pool, newTemplate(compose(r, i)))
		}
	}
	r.Shuffle(len(pool), func(i, j int) { pool[i], pool[j] = pool[j], pool[i] })
	return pool
}

// compose picks the family by the place i in the thousand.
func compose(r *rand.Rand, i int) string {
	switch {
	case i < hostdVpxa*3/5:
		return composeHostd(r)
	case i < hostdVpxa:
		return composeVpxa(r)
	case i < hostdVpxa+vmkernel:
		return composeVmkernel(r)
	case i < hostdVpxa+vmkernel+vobd:
		return composeVobd(r)
	case i < hostdVpxa+vmkernel+vobd+l2sec:
		return composeL2Sec(r, i)
	default:
		return composeShell(r)
	}
}

func header(pri int, tag string) string {
	return fmt.Sprintf("<%d>%s %s %s ", pri, stampMark, hostMark, tag)
}

func composeHostd(r *rand.Rand) string {
	sub := pick(r, "Vimsvc.TaskManager", "Vimsvc.ha-eventmgr", "Solo.Vmomi", "Hostsvc.NetworkProvider",
		"Vmsvc.vm:/vmfs/volumes/5f3c1a2b-7c1e2d3a/APP1/APP1.vmx", "Hostsvc.VmkVprobSource")
	user := pick(r, "vpxuser", "root", `vpxuser:LAB\svc_vc`)
	var text string
	switch r.IntN(6) {
	case 0:
		text = fmt.Sprintf("Task Created : haTask-%d-vim.VirtualMachine.reset-%d", 1+r.IntN(900), 100000000+r.IntN(99999999))
	case 1:
		text = fmt.Sprintf("Task Completed : haTask-ha-host-vim.host.NetworkSystem.updatePortGroup-%d Status success", 100000000+r.IntN(99999999))
	case 2:
		text = fmt.Sprintf("Event %d : User root@10.20.%d.%d logged in as VMware-client/8.0.2", r.IntN(99999), r.IntN(255), r.IntN(255))
	case 3:
		text = fmt.Sprintf("Send config update invoked, %d properties, %d ms since the last one", r.IntN(99), r.IntN(99999))
	case 4:
		text = fmt.Sprintf("State Transition (VM_STATE_ON -> VM_STATE_RECONFIGURING) for \"APP%d\" in <resgroup-%d>", r.IntN(50), r.IntN(300))
	default:
		text = fmt.Sprintf("Refreshing datastore %08x-%08x-%04x; capacity=%d free=%d; took %d ms, %d objects",
			r.Uint32(), r.Uint32(), r.IntN(65536), r.Int64N(1<<42), r.Int64N(1<<41), r.IntN(4000), r.IntN(900))
	}
	if r.IntN(2) == 0 { // ESXi 8 has the pid in the tag, 6 and 7 repeat level and program.
		return header(166, fmt.Sprintf("Hostd[%d]:", 2099000+r.IntN(999))) +
			fmt.Sprintf("[Originator@6876 sub=%s opID=%s-%02x user=%s] %s", sub, tokenMark, r.IntN(256), user, text)
	}
	level, pri := "info", 166
	if r.IntN(8) == 0 {
		level, pri = "warning", 164
	}
	return header(pri, "Hostd:") +
		fmt.Sprintf("%s hostd[%d] [Originator@6876 sub=%s opID=%s-%02x user=%s] %s", level, 2099000+r.IntN(999), sub, tokenMark, r.IntN(256), user, text)
}

func composeVpxa(r *rand.Rand) string {
	var text string
	switch r.IntN(4) {
	case 0:
		text = fmt.Sprintf("[VpxLRO] -- BEGIN lro-%d -- vpxa -- vpxapi.VpxaService.getChanges -- 52%06x-%04x-5fb1-2f1c-%012x", r.IntN(999999), r.IntN(1<<24), r.IntN(65536), r.Int64N(1<<47))
	case 1:
		text = fmt.Sprintf("[VpxLRO] -- FINISH lro-%d -- vpxapi.VpxaService.getChanges, %d objects", r.IntN(999999), r.IntN(9999))
	case 2:
		text = fmt.Sprintf("[WaitForUpdatesDone] Completed callback; version %d, generation %d, %d ms", r.IntN(99999), r.IntN(9999), r.IntN(2000))
	default:
		text = fmt.Sprintf("Sending HostChanges: time = %d, last = %d, gen = %d; vms=%d", r.Int32(), r.Int32(), r.IntN(99999), r.IntN(120))
	}
	return header(166, "Vpxa:") + fmt.Sprintf("%s vpxa[%d] [Originator@6876 sub=vpxLro opID=HB-%d-%s-%02x] %s",
		pick(r, "info", "verbose"), 2100000+r.IntN(999), r.IntN(99999), tokenMark, r.IntN(256), text)
}

func composeVmkernel(r *rand.Rand) string {
	var text string
	switch r.IntN(7) {
	case 0:
		text = fmt.Sprintf("ScsiDeviceIO: 4124: Cmd(0x45b9%08x) 0x2a, CmdSN 0x%x from world %d to dev \"naa.600508b1001c%016x\" failed H:0x0 D:0x2 P:0x0 Valid sense data: 0x5 0x24 0x0.", r.Uint32(), r.IntN(9999999), 2097000+r.IntN(999), r.Int64())
	case 1:
		text = fmt.Sprintf("NetPort: 3043: resuming traffic on DV port %d", r.IntN(4096))
	case 2:
		text = fmt.Sprintf("Swap: vm %d: 5135: Finish swapping in migration swap file. (faulted %d pages). Success.", 2100000+r.IntN(9999), r.IntN(9999))
	case 3:
		text = fmt.Sprintf("NMP: nmp_ThrottleLogForDevice:3863: Cmd 0x%x (0x45d9%08x, %d) to dev \"naa.60a9800%013x\" on path \"vmhba%d:C0:T%d:L%d\" Failed: H:0x0 D:0x2 P:0x0 Invalid sense data: 0x0 0x0 0x0. Act:NONE", r.IntN(256), r.Uint32(), 2097000+r.IntN(9999), r.Int64N(1<<51), r.IntN(4), r.IntN(8), r.IntN(64))
	case 4:
		text = fmt.Sprintf("WARNING: NFS: %d: Lost connection to the server 10.30.%d.%d mount point /vol/ds%d, mounted as %08x-%08x-0000-000000000000 (\"ds%d\")", r.IntN(999), r.IntN(255), r.IntN(255), r.IntN(40), r.Uint32(), r.Uint32(), r.IntN(40))
	case 5:
		text = fmt.Sprintf("VMotionRecv: %d: %d D: Estimated network bandwidth %d.%03d MB/s during pre-copy of the machine's memory to this host", 3000+r.IntN(999), r.Int64N(1<<52), 100+r.IntN(900), r.IntN(1000))
	default:
		text = fmt.Sprintf("DVFilter: 6053: Checking disconnected filters for timeouts (%d active), world %d holds the lock since %d us", r.IntN(64), 2097000+r.IntN(9999), r.IntN(99999))
	}
	return header(182, "vmkernel:") + fmt.Sprintf("cpu%d:%d)%s %s", r.IntN(64), 2097000+r.IntN(99999), text, tokenMark)
}

func composeVobd(r *rand.Rand) string {
	nic := r.IntN(8)
	var text string
	switch r.IntN(5) {
	case 0:
		text = fmt.Sprintf("[vob.net.vmnic.linkstate.down] vmnic vmnic%d linkstate down", nic)
	case 1:
		text = fmt.Sprintf("[vob.net.pg.uplink.transition.up] Uplink:vmnic%d is up. Affected portgroup: VLAN%d-PROD. %d uplinks up. Failed criteria: 128", nic, 1+r.IntN(4094), r.IntN(4))
	case 2:
		text = fmt.Sprintf("[vob.net.pg.uplink.transition.down] Uplink: vmnic%d is down. Affected portgroup: VLAN%d-PROD. %d uplinks up. Failed criteria: 128", nic, 1+r.IntN(4094), r.IntN(4))
	case 3:
		text = fmt.Sprintf("[esx.clear.net.connectivity.restored] Network connectivity restored on virtual switch \"vSwitch%d\", portgroups: \"Management Network\", \"VLAN%d-PROD\". Physical NIC vmnic%d is up", r.IntN(4), 1+r.IntN(4094), nic)
	default:
		text = fmt.Sprintf("[esx.problem.net.redundancy.lost] Lost uplink redundancy on virtual switch \"vSwitch%d\". Physical NIC vmnic%d is down. Affected port groups: \"VLAN%d-PROD\", \"Management Network\"", r.IntN(4), nic, 1+r.IntN(4094))
	}
	// Two blanks after the tag: vobd does so.
	return header(14, "vobd: ") + fmt.Sprintf("[netCorrelator] %dus: %s %s", r.Int64N(1<<42), text, tokenMark)
}

// composeL2Sec goes through the forms of the client-first grammar. The port-first grammar of
// ESX 3 and 4 names no VM, so it has no place for the token.
func composeL2Sec(r *rand.Rand, i int) string {
	client := fmt.Sprintf("app-%d-%s.eth%d", r.IntN(50), tokenMark, r.IntN(4))
	port := 0x4000000 + r.IntN(256)
	prefix := fmt.Sprintf("cpu%d:%d)", r.IntN(64), 2097000+r.IntN(99999))
	mac := fmt.Sprintf("00:50:56:%02x:%02x:%02x", r.IntN(64), r.IntN(256), r.IntN(256))
	switch i % l2sec {
	case 0:
		return header(181, "vmkernel:") + prefix + fmt.Sprintf("etherswitch: L2Sec_EnforcePortCompliance:226: client %s requested promiscuous mode on port 0x%x, disallowed by vswitch policy ", client, port)
	case 1:
		return header(182, "vmkernel:") + prefix + fmt.Sprintf("cswitch: L2Sec_EnforcePortCompliance:209: [nsx@6876 comp=\"nsx-esx\" subcomp=\"vswitch\"]client %s requested promiscuous mode on port 0x%x, disallowed by vswitch policy", client, port)
	case 2:
		return header(182, "vmkernel:") + prefix + fmt.Sprintf("etherswitch: L2Sec_EnforcePortCompliance:247: client %s requested mac address change to %s on port 0x%x, disallowed by vswitch policy", client, mac, port)
	case 3:
		return header(182, "vmkernel:") + prefix + fmt.Sprintf("etherswitch: L2Sec_EnforcePortCompliance:356: client %s has policy violations on port 0x%x. Port is blocked", client, port)
	default:
		return header(182, "vmkernel:") + prefix + fmt.Sprintf("cswitch: L2Sec_EnforcePortCompliance: client %s requested promiscuous mode on port 0x%x, disallowed by vswitch policy", client, 0x80000000|port)
	}
}

func composeShell(r *rand.Rand) string {
	switch r.IntN(3) {
	case 0:
		return header(14, fmt.Sprintf("shell[%d]:", 1000000+r.IntN(999999))) + "[root]: esxcli network vswitch standard portgroup policy security get -p \"VM Network\" # " + tokenMark
	case 1:
		return header(86, fmt.Sprintf("sshd[%d]:", 1000000+r.IntN(999999))) + fmt.Sprintf("Accepted keyboard-interactive/pam for root from 10.20.%d.%d port %d ssh2 %s", r.IntN(255), r.IntN(255), 1024+r.IntN(60000), tokenMark)
	default:
		return header(78, fmt.Sprintf("crond[%d]:", 2097000+r.IntN(999))) + fmt.Sprintf("USER root pid %d cmd /bin/hostd-probe.sh ++group=host/vim/vmvisor/hostd-probe/stats/sh %s", 9000000+r.IntN(999999), tokenMark)
	}
}

func pick(r *rand.Rand, words ...string) string { return words[r.IntN(len(words))] }

// newTemplate finds the marks of a composed line.
func newTemplate(s string) template {
	t := template{text: []byte(s)}
	t.stamp = bytes.IndexByte(t.text, 1)
	t.host = bytes.IndexByte(t.text, 2)
	t.tokenHost = bytes.IndexByte(t.text, 3)
	t.tokenNo = bytes.IndexByte(t.text, 4)
	return t
}

// appendLine appends the line with its changing parts filled in. stamp is as stampLayout prints it.
func (t *template) appendLine(dst []byte, stamp []byte, host int, number uint64) []byte {
	at := len(dst)
	dst = append(dst, t.text...)
	line := dst[at:]
	copy(line[t.stamp:], stamp)
	putDigits(line[t.host:t.host+hostDigits], uint64(host))
	putDigits(line[t.tokenHost:t.tokenHost+hostDigits], uint64(host))
	putDigits(line[t.tokenNo:t.tokenNo+numDigits], number)
	return dst
}

func putDigits(b []byte, v uint64) {
	for i := len(b) - 1; i >= 0; i-- {
		b[i] = byte('0' + v%10)
		v /= 10
	}
}

func hostName(host int) string { return fmt.Sprintf("esx-%04d.lab.example", host) }

// stamper prints a time as stampLayout does, once per millisecond.
type stamper struct {
	milli int64
	text  []byte
}

func (s *stamper) at(t time.Time) []byte {
	if m := t.UnixMilli(); m != s.milli || s.text == nil {
		s.milli = m
		s.text = t.UTC().AppendFormat(s.text[:0], stampLayout)
	}
	return s.text
}
