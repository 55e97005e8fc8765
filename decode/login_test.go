package decode

import (
	"strings"
	"testing"

	"vswarden/event"
)

// loginWant is what a line about a login says.
type loginWant struct {
	act    event.Act
	user   string // user.name, with \domain before it
	source event.Endpoint
	login  event.Login
}

func at(address string, port uint16) event.Endpoint {
	return event.Endpoint{Address: address, Port: port}
}

func checkLogin(t *testing.T, e event.Event, w loginWant) {
	t.Helper()
	user := e.User.Name
	if e.User.Domain != "" {
		user = e.User.Domain + `\` + user
	}
	if e.Act != w.act || user != w.user || e.Source != w.source || e.Login != w.login {
		t.Errorf("%s\n got %s %q %+v %+v\nwant %+v", e.Raw, e.Act, user, e.Source, e.Login, w)
	}
	checkStrings(t, &e)
}

func TestLoginsOfHostd(t *testing.T) {
	for text, w := range map[string]loginWant{
		"Accepted password for user root from 192.0.2.6 - session=52376b0f-1":      {event.ActLogin, "root", at("192.0.2.6", 0), event.Login{Method: "password"}},
		"Accepted password for user root from 127.0.0.1":                           {event.ActLogin, "root", at("127.0.0.1", 0), event.Login{Method: "password"}},
		`Accepted password for user VSPHERE.LOCAL\admin from fe80::1`:              {event.ActLogin, `VSPHERE.LOCAL\admin`, at("fe80::1", 0), event.Login{Method: "password"}},
		"Rejected password for user root from 10.0.0.9":                            {event.ActLoginFailed, "root", at("10.0.0.9", 0), event.Login{Method: "password"}},
		"Rejected password for user x from 198.51.100.9 - session=1 from 10.0.0.9": {event.ActLoginFailed, "x from 198.51.100.9 - session=1", at("10.0.0.9", 0), event.Login{Method: "password"}},
		"Event 175 : Cannot login root@10.0.0.9":                                   {event.ActLoginFailed, "root", at("10.0.0.9", 0), event.Login{}},
		"Event 285 : Failed login attempt for root@127.0.0.1":                      {event.ActLoginFailed, "root", at("127.0.0.1", 0), event.Login{}},
		"Event 37 : User root@192.168.1.1 logged in":                               {event.ActLogin, "root", at("192.168.1.1", 0), event.Login{}},
		"Event 37 : User root@192.168.1.1 logged in as VMware-client/5.1 (x@y)":    {event.ActLogin, "root", at("192.168.1.1", 0), event.Login{Agent: "VMware-client/5.1 (x@y)"}},
		`Event 37 : User VSPHERE.LOCAL\admin@192.168.1.1 logged in as pyvmomi`:     {event.ActLogin, `VSPHERE.LOCAL\admin`, at("192.168.1.1", 0), event.Login{Agent: "pyvmomi"}},
		"Event 37 : User admin@vsphere.local@192.168.1.1 logged in":                {event.ActLogin, `vsphere.local\admin`, at("192.168.1.1", 0), event.Login{}},
		"Event 37 : User admin@vsphere.local logged in":                            {event.ActLogin, `vsphere.local\admin`, event.Endpoint{}, event.Login{}},
		"Event 286 : User root logged out":                                         {event.ActLogout, "root", event.Endpoint{}, event.Login{}},
		"Event 9 : User root@10.1.1.1 logged out (login time: Tuesday, 18 April, 2023 07:14:36 AM, number of API invocations: 3, user agent: pyvmomi)": {event.ActLogout, "root", at("10.1.1.1", 0), event.Login{Agent: "pyvmomi"}},
		"[module:pam_lsass]pam_do_authenticate: error [login:root][error code:2]":                                                                      {event.ActLoginFailed, "root", event.Endpoint{}, event.Login{}},
		"pam_unix(vmware-authd:auth): authentication failure; logname= uid=0 euid=0 tty= ruser= rhost=  user=bob":                                      {event.ActLoginFailed, "bob", event.Endpoint{}, event.Login{}},
		"Event 974676 : SSH session was opened for 'root@192.0.2.4'.":                                                                                  {event.ActSessionOpened, "root", at("192.0.2.4", 0), event.Login{SSH: true}},
		"Event 2 : SSH login has failed for 'o'neil'. x@192.0.2.4'.":                                                                                   {event.ActLoginFailed, "o'neil'. x", at("192.0.2.4", 0), event.Login{SSH: true}},
		"Event 3 : SSH login has failed for 'a'.b@192.0.2.4'":                                                                                          {event.ActLoginFailed, "a'.b", at("192.0.2.4", 0), event.Login{SSH: true}},
		"Event 4 : SSH session was opened for 'root@192.0.2.4'.the rest of 'another' line":                                                             {event.ActSessionOpened, "root", at("192.0.2.4", 0), event.Login{SSH: true}},
		"Event 5 : SSH session was opened for 'root@192.0.2.4'.\nand another line, it is 'bob's'.":                                                     {event.ActSessionOpened, "root", at("192.0.2.4", 0), event.Login{SSH: true}},
		"Event 1 : Remote access for ESXi local user account 'root' has been locked for 900 seconds after 6 failed login attempts.":                    {event.ActLocked, "root", event.Endpoint{}, event.Login{LockSecs: 900, Failures: 6}},
	} {
		e := line(wire + "info hostd[1] [Originator@6876 sub=Vimsvc] " + text)
		checkLogin(t, e, w)
		if e.Dataset != event.DatasetAuth {
			t.Errorf("%s: dataset %s", text, e.Dataset)
		}
	}
	if e := line(wire + "[Originator@6876 sub=X sid=aaaa] Accepted password for user root from 192.0.2.6 - session=52376b0f-1"); e.Hostd.SessionID != "52376b0f-1" {
		t.Errorf("session %q", e.Hostd.SessionID)
	}
}

func TestChangesInHostd(t *testing.T) {
	for text, w := range map[string]loginWant{
		"Event 1 : SSH access has been enabled.":                        {act: event.ActSSHEnabled},
		"Event 1 : SSH access has been disabled.":                       {act: event.ActSSHDisabled},
		"Event 1 : The ESXi command line shell has been enabled.":       {act: event.ActShellEnabled},
		"Event 1 : Administrator access to the host has been enabled.":  {act: event.ActLockdownOff},
		"Event 1 : Administrator access to the host has been disabled.": {act: event.ActLockdownOn},
		"Event 1 : Password was changed for account bob on host esx1":   {act: event.ActPassword, user: "bob"},
		"Event 1 : Account bob was created on host esx1":                {act: event.ActAccountCreated, user: "bob"},
		"Event 1 : Account bob was removed on host esx1":                {act: event.ActAccountRemoved, user: "bob"},
		"Event 1 : Firewall has been disabled.":                         {act: event.ActFirewallOff},
		"Event 1 : The virtual machine is on":                           {},
		"Event 1 : User of the year":                                    {},
		"Event 1 : SSH tunnel":                                          {},
	} {
		e := line(wire + "info hostd[1] [Originator@6876 sub=Vimsvc] " + text)
		checkLogin(t, e, w)
		if e.Dataset != event.DatasetHostd {
			t.Errorf("%s: dataset %s", text, e.Dataset)
		}
	}
}

func TestLoginsOfSSHD(t *testing.T) {
	ssh := event.Login{SSH: true}
	for text, w := range map[string]loginWant{
		"Connection from 10.11.12.13 port 2605":                                          {event.ActConnected, "", at("10.11.12.13", 2605), ssh},
		"Connection from 10.11.12.13 port 2605 on 10.1.1.1 port 22 rdomain \"\"":         {event.ActConnected, "", at("10.11.12.13", 2605), ssh},
		"Accepted keyboard-interactive/pam for root from 192.0.2.4 port 33398 ssh2":      {event.ActLogin, "root", at("192.0.2.4", 33398), event.Login{SSH: true, Method: "keyboard-interactive/pam"}},
		"Accepted publickey for root from 192.0.2.4 port 33398 ssh2: RSA SHA256:abc":     {event.ActLogin, "root", at("192.0.2.4", 33398), event.Login{SSH: true, Method: "publickey"}},
		"Accepted publickey for root from fe80::1 port 33398 ssh2":                       {event.ActLogin, "root", at("fe80::1", 33398), event.Login{SSH: true, Method: "publickey"}},
		"Failed password for root from 192.0.2.4 port 33398 ssh2":                        {event.ActLoginFailed, "root", at("192.0.2.4", 33398), event.Login{SSH: true, Method: "password"}},
		"Failed password for invalid user a from b from 192.0.2.4 port 33398 ssh2":       {event.ActLoginFailed, "a from b", at("192.0.2.4", 33398), event.Login{SSH: true, Method: "password", Invalid: true}},
		"Invalid user administrator from 192.0.2.4 port 41100":                           {event.ActLoginFailed, "administrator", at("192.0.2.4", 41100), event.Login{SSH: true, Invalid: true}},
		"Invalid user x from 198.51.100.9 port 1 from 192.0.2.4 port 41100":              {event.ActLoginFailed, "x from 198.51.100.9 port 1", at("192.0.2.4", 41100), event.Login{SSH: true, Invalid: true}},
		"error: PAM: Authentication failure for root from 192.0.2.4":                     {event.ActLoginFailed, "root", at("192.0.2.4", 0), ssh},
		"error: PAM: Authentication failure for illegal user x from 192.0.2.4":           {event.ActLoginFailed, "x", at("192.0.2.4", 0), event.Login{SSH: true, Invalid: true}},
		"pam_tally2(sshd:auth): user root (0) tally 72, deny 5":                          {event.ActTally, "root", event.Endpoint{}, event.Login{SSH: true, Failures: 72}},
		"pam_unix(sshd:session): session opened for user root by (uid=0)":                {event.ActSessionOpened, "root", event.Endpoint{}, ssh},
		"pam_unix(sshd:session): session opened for user root(uid=0) by (uid=0)":         {event.ActSessionOpened, "root", event.Endpoint{}, ssh},
		"pam_unix(sshd:session): session closed for user root":                           {event.ActSessionClosed, "root", event.Endpoint{}, ssh},
		"pam_unix(sshd:auth): authentication failure; logname= rhost=192.0.2.4 user=bob": {event.ActLoginFailed, "bob", at("192.0.2.4", 0), ssh},
		"Session opened for 'root' on /dev/char/pty/t0":                                  {event.ActSessionOpened, "root", event.Endpoint{}, event.Login{Terminal: "/dev/char/pty/t0"}},
		"Session closed for 'root' on /dev/char/pty/t0":                                  {event.ActSessionClosed, "root", event.Endpoint{}, event.Login{Terminal: "/dev/char/pty/t0"}},
		"Received disconnect from 192.0.2.4 port 33398:11: disconnected by user":         {event.ActDisconnected, "", at("192.0.2.4", 33398), ssh},
		"Received disconnect from 192.0.2.4: 11: disconnected by user":                   {event.ActDisconnected, "", at("192.0.2.4", 0), ssh},
		"Disconnected from user root 192.0.2.4 port 33398":                               {event.ActDisconnected, "root", at("192.0.2.4", 33398), ssh},
		"Disconnected from 192.0.2.4 port 33398":                                         {event.ActDisconnected, "", at("192.0.2.4", 33398), ssh},
		"Connection closed by authenticating user root 192.0.2.4 port 33398 [preauth]":   {event.ActDisconnected, "root", at("192.0.2.4", 33398), ssh},
		"Connection closed by invalid user x y 192.0.2.4 port 33398 [preauth]":           {event.ActDisconnected, "x y", at("192.0.2.4", 33398), event.Login{SSH: true, Invalid: true}},
		"Server listening on 0.0.0.0 port 22.":                                           {},
	} {
		e := line("<38>2026-02-07T11:59:59Z esx1 sshd[1231448]: " + text)
		checkLogin(t, e, w)
		if e.Dataset != event.DatasetAuth {
			t.Errorf("%s: dataset %s", text, e.Dataset)
		}
	}
}

func TestLoginsOfOthers(t *testing.T) {
	for raw, w := range map[string]loginWant{
		"<38>2026-02-07T11:59:59Z esx1 DCUI: authentication of user root succeeded":                                                                {act: event.ActLogin, user: "root"},
		"<38>2026-02-07T11:59:59Z esx1 DCUI: pam_unix(system-auth-generic:auth): authentication failure; logname= uid=0 rhost=  user=root":         {act: event.ActLoginFailed, user: "root"},
		"<38>2026-02-07T11:59:59Z esx1 login[13876]: root login on 'char/tty/1'":                                                                   {act: event.ActLogin, user: "root", login: event.Login{Terminal: "char/tty/1"}},
		"<38>2026-02-07T11:59:59Z esx1 dropbear[7302]: Child connection from 10.0.1.1:53262":                                                       {act: event.ActConnected, source: at("10.0.1.1", 53262), login: event.Login{SSH: true}},
		"Aug  7 11:05:34 esx4 vmware-authd[9709]: login from 172.16.129.78 as 523b717c-4542":                                                       {act: event.ActLogin, source: at("172.16.129.78", 0)},
		"<14>2026-02-07T11:59:59Z esx1 vobd:  [GenericCorrelator] 1us: [vob.user.ssh.session.opened] SSH session was opened for 'root@192.0.2.4'.": {act: event.ActSessionOpened, user: "root", source: at("192.0.2.4", 0), login: event.Login{SSH: true}},
		"<14>2026-02-07T11:59:59Z esx1 vobd:  [UserLevelCorrelator] 1us: [esx.audit.ssh.session.failed] SSH login has failed for 'bob@192.0.2.4'.": {act: event.ActLoginFailed, user: "bob", source: at("192.0.2.4", 0), login: event.Login{SSH: true}},
		"<14>2026-02-07T11:59:59Z esx1 vobd:  [UserLevelCorrelator] 1us: [esx.audit.ssh.enabled] SSH access has been enabled.":                     {act: event.ActSSHEnabled},
		// Without a header or a program, the text alone.
		"Accepted publickey for root from 192.0.2.4 port 33398 ssh2: RSA SHA256:abc": {act: event.ActLogin, user: "root", source: at("192.0.2.4", 33398), login: event.Login{SSH: true, Method: "publickey"}},
		"Event 37 : User root@192.168.1.1 logged in":                                 {act: event.ActLogin, user: "root", source: at("192.168.1.1", 0)},
	} {
		checkLogin(t, line(raw), w)
	}
}

// A session that is closed is logged at level error, and is none.
func TestTrap26SessionClosedIsNoError(t *testing.T) {
	e := line("<163>2026-02-07T11:59:59Z esx1 Hostd: error hostd[1] [Originator@6876 sub=Vimsvc.ha-eventmgr] Event 974677 : SSH session was closed for 'root@192.0.2.4'.")
	if e.Act != event.ActSessionClosed || e.Level != "error" || e.User.Name != "root" {
		t.Errorf("%s, level %q, %+v", e.Act, e.Level, e.User)
	}
}

func TestCommands(t *testing.T) {
	for text, want := range map[string]struct {
		act  event.Act
		user string
		c    event.Command
	}{
		"tcpdump-uw -i vmk0":           {event.ActCapture, "", event.Command{Name: "tcpdump-uw", Network: event.NetCommandCapture}},
		"[root]: pktcap-uw --vmk vmk0": {event.ActCapture, "root", event.Command{Name: "pktcap-uw", Network: event.NetCommandCapture}},
		"[root]: ls -la":               {event.ActCommand, "root", event.Command{Name: "ls"}},
		"[root]: esxcli network vswitch standard policy security set -v vSwitch0 --allow-promiscuous=true":                            {event.ActSwitchPolicy, "root", event.Command{Name: "esxcli", Network: event.NetCommandPolicy, Switch: "vSwitch0", Weakens: true}},
		"[root]: esxcli network vswitch standard policy security set -v vSwitch0 -p 1":                                                {event.ActSwitchPolicy, "root", event.Command{Name: "esxcli", Network: event.NetCommandPolicy, Switch: "vSwitch0", Weakens: true}},
		"[root]: esxcli network vswitch standard policy security set -v vSwitch0 --allow-mac-change false":                            {event.ActSwitchPolicy, "root", event.Command{Name: "esxcli", Network: event.NetCommandPolicy, Switch: "vSwitch0"}},
		`[root]: esxcli network vswitch standard portgroup policy security set -p "Management Network" --allow-forged-transmits=true`: {event.ActSwitchPolicy, "root", event.Command{Name: "esxcli", Network: event.NetCommandPolicy, Portgroup: "Management Network", Weakens: true}},
		"[root]: esxcli network vswitch standard portgroup policy security set --portgroup-name=PG1 -m yes":                           {event.ActSwitchPolicy, "root", event.Command{Name: "esxcli", Network: event.NetCommandPolicy, Portgroup: "PG1", Weakens: true}},
		"[root]: esxcli network vswitch standard portgroup add --portgroup-name='PG 2' --vswitch-name=vSwitch1":                       {event.ActSwitchChanged, "root", event.Command{Name: "esxcli", Network: event.NetCommandSwitch, Portgroup: "PG 2", Switch: "vSwitch1"}},
		"[root]: esxcli network vswitch standard list -v vSwitch0":                                                                    {event.ActCommand, "root", event.Command{Name: "esxcli", Network: event.NetCommandShow, Switch: "vSwitch0"}},
		"[root]: esxcli --formatter=csv network vm list":                                                                              {event.ActCommand, "root", event.Command{Name: "esxcli", Network: event.NetCommandShow}},
		"[root]: esxcli network firewall ruleset set -r sshServer -e true":                                                            {event.ActFirewallChanged, "root", event.Command{Name: "esxcli", Network: event.NetCommandFirewall}},
		"[root]: esxcli system auditrecords local set":                                                                                {event.ActCommand, "root", event.Command{Name: "esxcli"}},
		"esxcfg-vswitch -l":                                                                            {event.ActCommand, "", event.Command{Name: "esxcfg-vswitch", Network: event.NetCommandShow}},
		"[root]: esxcfg-vswitch -A PG1 vSwitch0":                                                       {event.ActSwitchChanged, "root", event.Command{Name: "esxcfg-vswitch", Network: event.NetCommandSwitch, Switch: "vSwitch0", Portgroup: "PG1"}},
		"[root]: esxcfg-vswitch -v 120 -p PG1 vSwitch0":                                                {event.ActSwitchChanged, "root", event.Command{Name: "esxcfg-vswitch", Network: event.NetCommandSwitch, Switch: "vSwitch0", Portgroup: "PG1"}},
		"[root]: net-dvs -l":                                                                           {event.ActCommand, "root", event.Command{Name: "net-dvs", Network: event.NetCommandShow}},
		"[root]: /usr/lib/vmware/bin/net-dvs -s a=b DVS1":                                              {event.ActSwitchChanged, "root", event.Command{Name: "net-dvs", Network: event.NetCommandSwitch, Switch: "DVS1"}},
		"[root]: vsish -e get /net/portsets/vSwitch0/ports/1/status":                                   {event.ActCommand, "root", event.Command{Name: "vsish", Network: event.NetCommandShow}},
		"[root]: vsish -e set /net/portsets/vSwitch0/x 1":                                              {event.ActSwitchChanged, "root", event.Command{Name: "vsish", Network: event.NetCommandVsish, Switch: "vSwitch0"}},
		"[root]: vim-cmd hostsvc/net/vswitch_setpolicy vSwitch0":                                       {event.ActSwitchChanged, "root", event.Command{Name: "vim-cmd", Network: event.NetCommandSwitch, Switch: "vSwitch0"}},
		"[root]: vim-cmd hostsvc/net/portgroup_set --securepolicy-promisc=true vSwitch0 'PG 1'":        {event.ActSwitchPolicy, "root", event.Command{Name: "vim-cmd", Network: event.NetCommandPolicy, Switch: "vSwitch0", Portgroup: "PG 1", Weakens: true}},
		"[root]: esxcfg-vswitch vSwitch0 -A PG2":                                                       {event.ActSwitchChanged, "root", event.Command{Name: "esxcfg-vswitch", Network: event.NetCommandSwitch, Switch: "vSwitch0", Portgroup: "PG2"}},
		"[root]: esxcfg-vswitch --check vSwitch0":                                                      {event.ActCommand, "root", event.Command{Name: "esxcfg-vswitch", Network: event.NetCommandShow}},
		`[root]: net-dvs -s com.vmware.etherswitch.port.security="allow promiscuous" -p 12 DVS1`:       {event.ActSwitchPolicy, "root", event.Command{Name: "net-dvs", Network: event.NetCommandPolicy, Switch: "DVS1", Weakens: true}},
		"[root]: nohup pktcap-uw --uplink vmnic0 &":                                                    {event.ActCapture, "root", event.Command{Name: "pktcap-uw", Network: event.NetCommandCapture}},
		"[root]: cd /tmp; esxcli network vswitch standard policy security set -v vSwitch0 -p true; ls": {event.ActSwitchPolicy, "root", event.Command{Name: "cd", Network: event.NetCommandPolicy, Switch: "vSwitch0", Weakens: true}},
		`[root]: sh -c "esxcli network vswitch standard set -v 'v;1'"`:                                 {event.ActSwitchChanged, "root", event.Command{Name: "sh", Network: event.NetCommandSwitch, Switch: "v;1"}},
		"[root]: grep tcpdump-uw /var/log/shell.log":                                                   {event.ActCommand, "root", event.Command{Name: "grep"}},
		"[root]: esxcli network firewall set --enabled false":                                          {event.ActFirewallOff, "root", event.Command{Name: "esxcli", Network: event.NetCommandFirewall}},
		"[root]: esxcli network port filter stats get -p 33554438":                                     {event.ActCommand, "root", event.Command{Name: "esxcli", Network: event.NetCommandShow}},
		"[root]: vim-cmd vmsvc/getallvms":                                                              {event.ActCommand, "root", event.Command{Name: "vim-cmd"}},
		"[root]: USER=vpxuser python /x.py":                                                            {event.ActCommand, "root", event.Command{Name: "python"}},
		"Interactive shell session started":                                                            {event.ActSessionOpened, "", event.Command{}},
		"Interactive shell session ended":                                                              {event.ActSessionClosed, "", event.Command{}},
		"":                                                                                             {"", "", event.Command{}},
	} {
		e := line("<14>2026-02-07T11:59:59Z esx1 shell[1627100]: " + text)
		if want.c.Name != "" {
			want.c.Line = strings.TrimPrefix(text, "[root]: ")
		}
		if e.Act != want.act || e.User.Name != want.user || e.Command != want.c || e.Dataset != event.DatasetShell || e.Message != text {
			t.Errorf("%s\n got %s %q %+v\nwant %+v", text, e.Act, e.User.Name, e.Command, want)
		}
		checkStrings(t, &e)
	}
}

func TestOtherCommands(t *testing.T) {
	e := line(`<110>2026-02-07T11:59:59.186Z esx1 shell[1231448]: [shell.cmd@6876 subject="root" object="shell" command="esxcli network vswitch standard policy security set -v \"vSwitch 0\" -f 1" result="success" status="0"]`)
	c := e.Command
	if e.Dataset != event.DatasetAudit || e.User.Name != "root" || c.Result != "success" || c.Status != "0" || c.Network != event.NetCommandPolicy || c.Switch != "vSwitch 0" || !c.Weakens {
		t.Errorf("%s %+v %+v", e.Dataset, e.User, c)
	}
	e = line(`<110>1 2026-02-07T11:59:59.186Z esx9 shell 1231448 - [shell.cmd@4413 subject="root" object="shell" command="ls" result="failure" status="2"]`)
	if c := e.Command; e.User.Name != "root" || c.Line != "ls" || c.Result != "failure" || c.Status != "2" {
		t.Errorf("%+v %+v", e.User, c)
	}
	e = line("<78>2026-02-07T11:59:59Z esx1 crond[2097613]: USER root pid 9919303 cmd /bin/hostd-probe.sh ++group=host/vim")
	if e.User.Name != "root" || e.Command.Name != "hostd-probe.sh" || e.Dataset != event.DatasetSystem {
		t.Errorf("%s %+v %+v", e.Dataset, e.User, e.Command)
	}
	e = line("<38>2026-02-07T11:59:59Z esx1 su: User 'root' running command 'USER=vpxuser python x.py'")
	if e.User.Name != "root" || e.Command.Line != "USER=vpxuser python x.py" || e.Act != event.ActCommand {
		t.Errorf("%+v %+v", e.User, e.Command)
	}
	e = line("[shell[1234]]: [root]: esxcli network firewall ruleset set -r sshServer -e true")
	if e.User.Name != "root" || e.Command.Network != event.NetCommandFirewall || e.Dataset != event.DatasetShell || e.Syslog.AppName != "shell" {
		t.Errorf("%+v %+v", e.User, e.Command)
	}
}

func TestAuditRecordsOfOtherKinds(t *testing.T) {
	for text, want := range map[string]struct {
		act  event.Act
		code string
	}{
		`[x.one@6876 subject="root" object="ssh" result="success"]`: {"", "x.one"},
		`[host.something@6876 subject="root" result="success"]`:     {"", "host.something"},
		`[shell.cmd@6876 subject="root" command="ls"]`:              {event.ActCommand, ""},
	} {
		e := line("<109>2026-02-07T11:59:59.186Z esx1 hostd[1]: " + text)
		if e.Act != want.act || e.VCEvent.Type != want.code || e.User.Name != "root" || e.Dataset != event.DatasetAudit {
			t.Errorf("%s: %s %q %+v %s", text, e.Act, e.VCEvent.Type, e.User, e.Dataset)
		}
		checkStrings(t, &e)
	}
}

func TestSecrets(t *testing.T) {
	for command, hidden := range map[string]string{
		"esxcli system account add -i bob -p Secret1! -c Secret1!":     "Secret1!|Secret1!",
		"esxcli system account set --id bob --password=Secret1!":       "Secret1!",
		`esxcli system account set --id bob --password "two words"`:    `"two words"`,
		"esxcli iscsi adapter auth chap set --secret=s3cret -A vmhba3": "s3cret",
		"esxcli system snmp set --communities public":                  "public",
		"curl -u admin:pw https://x/":                                  "admin:pw",
		"curl https://admin:pw@x/y":                                    "pw",
		"curl -H 'Authorization: Bearer abc' https://x":                "Bearer abc",
		`curl -H "X-Auth-Token: abc" https://x`:                        "abc",
		"echo Secret1! | passwd --stdin root":                          "Secret1!",
		"ls; curl -u admin:pw https://x/":                              "admin:pw",
		"MY_TOKEN=abc python x.py":                                     "abc",
		"sshpass -p pw ssh root@x":                                     "pw",
		"esxcli -s vc1 -u root -p Secret1 network vm list":             "Secret1",
		"esxcli -p=Secret1 system account set -i root -p Two2 -c Two2": "Secret1|Two2|Two2",
		"esxcli iscsi adapter auth chap set -N u -S s3cret -d uni":     "s3cret",
		"esxcli system snmp set --users u/one/two/priv":                "u/one/two/priv",
		"esxcli system syslog config set --loghost=ssl://u:pw@h:1514":  "pw",
		"curl -uroot:pw https://h/":                                    "root:pw",
		"curl -sku root:pw https://h/":                                 "root:pw",
		"curl --user=root:pw https://h/":                               "root:pw",
		`curl -H "Authorization: Basic a b" https://h/`:                "Basic a b",
		"curl -H vmware-api-session-id:abc https://h/":                 "abc",
		`curl -d '{"user":"x","password":"p,w"}' https://h/`:           "p,w",
		"curl -d 'username=x&password=pw&y=1' https://h/":              "pw",
		"curl https://h/api?access_token=abc&x=1":                      "abc",
		`wget --header="X-Auth-Token: abc" http://h/`:                  "abc",
		"openssl rsa -in k -passin pass:pw -out z":                     "pw",
		"openssl enc -k pw -in f":                                      "pw",
		"openssl passwd -1 pw":                                         "pw",
		"printf 'a\\na\\n' | passwd root":                              `'a\na\n'`,
		"echo -e x | chpasswd":                                         "x",
		"passwd root <<< pw":                                           "pw",
		"sshpass -ppw ssh root@h":                                      "pw",
		"SSHPASS=pw sshpass -e ssh root@h":                             "pw",
		"mysql -uroot -ppw db":                                         "pw",
		"ldapsearch -x -D cn=admin -w pw -b dc=x":                      "pw",
		"net ads join -U admin%pw":                                     "admin%pw",
		"domainjoin-cli join lab.example admin pw":                     "pw",
		"mount -t cifs //h/s /m -o username=x,password=pw,ro":          "pw",
		"GOVC_URL=https://root:pw@h/sdk govc about":                    "pw",
		"ovftool vi://administrator%40vsphere.local:pw@vc/dc":          "pw",
		"git clone https://ghp_0123456789abcdef01234@h/x.git":          "ghp_0123456789abcdef01234",
		"git clone ssh://git@h/x.git":                                  "",
		"tool -password:pw":                                            "pw",
		"tool --pass pw -v":                                            "pw",
		"tool --passive on":                                            "",
		"PWD=/root ls":                                                 "",
		`sh -c "curl -u a:b https://h/"`:                               "a:b",
		"cat /etc/passwd":                                              "",
		"cd /; esxcli -p pw vm process list; curl -u a:b h":            "pw|a:b",
		"passwd root":           "",
		"tcpdump-uw -p -i vmk0": "",
		"esxcli network vswitch standard portgroup add -p PG1": "",
		"x --password": "",
		"x --a-token=1 --b-token=2 --c-token=3 --d-token=4 --e-token=5 tail": "1|2|3|4 --e-token=5 tail",
	} {
		raw := "<14>2026-02-07T11:59:59Z esx1 shell[1627100]: [root]: " + command
		e := line(raw)
		var got []string
		for _, s := range e.Secrets.Spans[:e.Secrets.Count] {
			got = append(got, raw[s.Start:s.End])
		}
		if strings.Join(got, "|") != hidden {
			t.Errorf("%s: %q, want %q", command, got, hidden)
		}
	}
}

func FuzzLogin(f *testing.F) {
	for _, s := range []string{
		"Accepted password for user root from 192.0.2.6 - session=1", "Received disconnect from 192.0.2.4 port 33398:11: x",
		"pam_unix(sshd:auth): authentication failure; rhost= user=", "Connection closed by user  port ", "Disconnected from user x",
		"Remote access for ESXi local user account '' has been locked for ", "[module:pam_]: error [login:", "USER a pid  cmd ",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, prefix := range []string{wire, "<38>2026-02-07T11:59:59Z esx1 sshd[1]: ", "<14>2026-02-07T11:59:59Z esx1 shell[1]: ", ""} {
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
