package decode

import "testing"

// FuzzVmkernel is text of the kernel behind its prefix: ports, clients, links.
func FuzzVmkernel(f *testing.F) {
	for _, s := range []string{
		"Net: 2312: connected web 01.eth0 eth0 to VM Network, portID 0x3000007", "Net: 2188: associated dvPort 9 with portID 0x3000007",
		"Net: connected  to , portID 0x", "vmnic5 : 02:00.4 Link Up - 10 Gbps", "<6>ixgbe: vmnic2: NIC Link is Down", "NETDEV WATCHDOG: vmnic",
		"World: 12075: VC opID a maps to vmkernel opID b", "NetPort: 982: enabled port 0x3000007 with mac 00:50:56:84:5a:b4", "Link vmnic",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, prefix := range []string{"<182>2026-02-07T11:59:59Z esx1 vmkernel: cpu3:2065)", "cpu3:2065)", ""} {
			e := line(prefix + text)
			checkStrings(t, &e)
			checkEvent(t, &e)
		}
	})
}

// FuzzCommand is a command line: whatever it is, its secrets lie in the frame, in order and apart.
func FuzzCommand(f *testing.F) {
	for _, s := range []string{
		"esxcli -s vc1 -p x network vm list", "curl -sku a:b -H 'X-Token: c' https://d:e@f/?token=g", `sh -c "sh -c 'esxcli -p x'"`, "echo a | passwd",
		"x --password", "net-dvs -s com.vmware.etherswitch.port.security=allow", "vim-cmd hostsvc/net/portgroup_set --securepolicy-promisc=true a 'b",
		"esxcfg-vswitch -A", "a=b c=d", "`$(;;&&||", "sudo env nohup", `tool --pass "a`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, prefix := range []string{"<14>2026-02-07T11:59:59Z esx1 shell[1]: [root]: ", `<110>2026-02-07T11:59:59Z esx1 shell[1]: [shell.cmd@6876 subject="root" command="`, "<86>2026-02-07T11:59:59Z esx1 sudo: bob : COMMAND="} {
			e := line(prefix + text)
			checkStrings(t, &e)
			checkEvent(t, &e)
			for i, s := range e.Secrets.Spans[:e.Secrets.Count] {
				if s.Start >= s.End || int(s.End) > len(e.Raw) || i > 0 && s.Start < e.Secrets.Spans[i-1].End {
					t.Fatalf("%q: spans %v", e.Raw, e.Secrets)
				}
			}
		}
	})
}

// FuzzLocalStamp holds that a stamp of another place is never longer than its line, and that one that is
// accepted is one of the calendar.
func FuzzLocalStamp(f *testing.F) {
	for _, s := range []string{"Mär  1 10:00:00", "12 Mar 2026 10:00:00", "Sun Mar  1 10:00:00 2026", "2026/03/01 10:00:00", "01.03.2026 10:00:00", "févr. 12 10:00:00", "1-Mar-2026 10:00:00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		c, n := localStamp(s)
		if n > len(s) {
			t.Fatalf("%q: %d bytes", s, n)
		}
		if n > 0 && !c.bad && (c.month < 1 || c.month > 12 || c.day < 1 || c.day > 31 || c.second > daySeconds) {
			t.Fatalf("%q: %+v", s, c)
		}
		e := line("<13>" + s + " esx1 Hostd: x")
		checkStrings(t, &e)
		checkEvent(t, &e)
	})
}
