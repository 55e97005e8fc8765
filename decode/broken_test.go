package decode

import (
	"testing"

	"vswarden/event"
)

// The broken messages of the field reference, 5.5, each in its own words.
func TestBrokenMessages(t *testing.T) {
	for name, tc := range map[string]struct {
		raw string
		want
	}{
		"NoneZ: the stamp has moved into the text": {
			`<164>NoneZ esx1 Hostd: 2015-06-21T00:02:08.553Z warning hostd[49580B70] [Originator@6876 sub=Hostsvc] Can't find datastore`,
			want{"rfc3164_iso", 164, "esx1", "Hostd", "", "2015-06-21T00:02:08.553Z warning hostd[49580B70] [Originator@6876 sub=Hostsvc] Can't find datastore", "2015-06-21T00:02:08.553Z", event.DatasetHostd, event.TagBadTimestamp},
		},
		"GUID as stamp": {
			`<166>1a2b3c4d-0001-0002-0003-1a2b3c4d5e6fZ esx1 Hostd: [Originator@6876 sub=Libs] text`,
			want{"rfc3164_iso", 166, "esx1", "Hostd", "", "[Originator@6876 sub=Libs] text", "", event.DatasetHostd, event.TagBadTimestamp},
		},
		"letters as stamp": {
			`<166>xxxx-xxxx-xxxx-xxxx-xxxZ esx1 Hostd: text`,
			want{"rfc3164_iso", 166, "esx1", "Hostd", "", "text", "", event.DatasetHostd, event.TagBadTimestamp},
		},
		"prefix before the host": {
			`<14>datastoreSlopeUS[5]: 123, esx1 storageRM: <ds> text`,
			want{"raw", 14, peer, "", "", "datastoreSlopeUS[5]: 123, esx1 storageRM: <ds> text", "", event.DatasetGeneric, event.TagNoHeader},
		},
		"neither host nor tag": {
			`<166>Jun 29 11:27:45 vmfs/volumes. = 17`,
			want{"rfc3164_bsd", 166, peer, "", "", "vmfs/volumes. = 17", "2026-06-29T11:27:45Z", event.DatasetGeneric, 0},
		},
		"no priority": {
			`2025-06-23T12:59:42.288Z esx1 vmkernel: cpu0:33011)WARNING: IOMMUIntel: 2777: text`,
			want{"no_pri", -1, "esx1", "vmkernel", "", "WARNING: IOMMUIntel: 2777: text", "2025-06-23T12:59:42.288Z", event.DatasetVmkernel, 0},
		},
		"BSD date with a body of vpxa": {
			`<166>Feb  7 11:58:00 esx1 Vpxa: verbose vpxa[1] [Originator@6876 sub=vpxLro] text`,
			want{"rfc3164_bsd", 166, "esx1", "Vpxa", "", "verbose vpxa[1] [Originator@6876 sub=vpxLro] text", "2026-02-07T11:58:00Z", event.DatasetVpxa, 0},
		},
		"an audit record that is one bracket": {
			`<110>2025-06-23T12:59:42.288Z esx1 shell: [`,
			want{"rfc3164_iso", 110, "esx1", "shell", "", "[", "2025-06-23T12:59:42.288Z", event.DatasetAudit, 0},
		},
		"a day of the week twice": {
			`<13>Sun Sun Mar  1 10:00:00 2026 esx1 root: text`,
			want{"raw", 13, peer, "", "", "Sun Sun Mar  1 10:00:00 2026 esx1 root: text", "", event.DatasetGeneric, event.TagNoHeader},
		},
		"blank before the colon": {
			`<12>2025-06-23T12:59:42.288Z esx1 ucs-tool-esxi-inv : WARNING  : text`,
			want{"rfc3164_iso", 12, "esx1", "ucs-tool-esxi-inv", "", "WARNING  : text", "2025-06-23T12:59:42.288Z", event.DatasetSystem, 0},
		},
		"glued brackets": {
			`<167>2025-06-23T12:59:42.288Z esx1 Vpxa: verbose vpxa[1] [Originator@6876 sub=vpxLro opID=host@23668][meta sequenceId="231559791"][VpxLRO] -- FINISH`,
			want{"rfc3164_iso", 167, "esx1", "Vpxa", "", `verbose vpxa[1] [Originator@6876 sub=vpxLro opID=host@23668][meta sequenceId="231559791"][VpxLRO] -- FINISH`, "2025-06-23T12:59:42.288Z", event.DatasetVpxa, 0},
		},
		"split message, first part": {
			`<14>2025-06-23T12:59:42Z esx1 cmmdsTimeMachineDump: 1644579494.944824,abc,{"capacityUsed": 1`,
			want{"rfc3164_iso", 14, "esx1", "cmmdsTimeMachineDump", "", `1644579494.944824,abc,{"capacityUsed": 1`, "2025-06-23T12:59:42Z", event.DatasetSystem, 0},
		},
		"split message, second part without a header": {
			`talReadBytesPerSec": 911767, "x": 1}`,
			want{"raw", -1, peer, "", "", `talReadBytesPerSec": 911767, "x": 1}`, "", event.DatasetGeneric, event.TagNoHeader},
		},
		"split message, second part with a header": {
			`<13>2015-06-27T11:30:06Z esx1 clomd[33803]: Sync" l0) ("recoveryETA" i0)`,
			want{"rfc3164_iso", 13, "esx1", "clomd", "33803", `Sync" l0) ("recoveryETA" i0)`, "2015-06-27T11:30:06Z", event.DatasetSystem, 0},
		},
		"a line that begins with an epoch": {
			`1644579494.944824,abc,{"capacityUsed": 1`,
			want{"raw", -1, peer, "", "", `1644579494.944824,abc,{"capacityUsed": 1`, "", event.DatasetGeneric, event.TagNoHeader},
		},
		"colon glued to the Z": {
			`2014-12-10T16:31:09.619Z: [netCorrelator] 73154456us: [esx.audit.net.firewall.config.changed] text`,
			want{"file_iso", -1, peer, "", "", "[netCorrelator] 73154456us: [esx.audit.net.firewall.config.changed] text", "2014-12-10T16:31:09.619Z", event.DatasetVOB, 0},
		},
		"two tags": {
			`<166>2015-01-22T22:31:58.616Z esx1 vmkwarning Hostd: -->          key = "msg.checkpoint",`,
			want{"rfc3164_iso", 166, "esx1", "Hostd", "", `-->          key = "msg.checkpoint",`, "2015-01-22T22:31:58.616Z", event.DatasetHostd, 0},
		},
		"priority out of range": {
			`<505>2023-01-02T12:34:56.789Z esx1 Hostd: info hostd[A1B2C3] [Originator@6789 sub=X] Calling`,
			want{"rfc3164_iso", -1, "esx1", "Hostd", "", "info hostd[A1B2C3] [Originator@6789 sub=X] Calling", "2023-01-02T12:34:56.789Z", event.DatasetHostd, event.TagBadPriority},
		},
		"priority of four digits": {
			`<0013>2023-01-02T12:34:56.789Z esx1 Hostd: x`,
			want{"rfc3164_iso", -1, "esx1", "Hostd", "", "x", "2023-01-02T12:34:56.789Z", event.DatasetHostd, event.TagBadPriority},
		},
		"word for a priority": {
			`<PRI>2023-01-02T12:34:56.789Z esx1 Hostd: x`,
			want{"rfc3164_iso", -1, "esx1", "Hostd", "", "x", "2023-01-02T12:34:56.789Z", event.DatasetHostd, event.TagBadPriority},
		},
		"a bracket that is no priority": {
			`<NMLX_INF> nmlx5_core: vmnic1: text`,
			want{"raw", -1, peer, "", "", "<NMLX_INF> nmlx5_core: vmnic1: text", "", event.DatasetGeneric, event.TagNoHeader},
		},
		"a day that does not exist": {
			`<13>2014-06-31T19:23:45.733Z esx1 root: x`,
			want{"rfc3164_iso", 13, "esx1", "root", "", "x", "", event.DatasetSystem, event.TagBadTimestamp},
		},
		"structured data that does not end": {
			`<14>1 2026-02-07T09:29:18.734Z esx9 vobd 1 - [esx@4413 threadName="net text`,
			want{"rfc5424", 14, "esx9", "vobd", "1", `[esx@4413 threadName="net text`, "2026-02-07T09:29:18.734Z", event.DatasetVOB, event.TagBadSD},
		},
		"no fields behind version and stamp": {
			`<14>1 2026-02-07T09:29:18.734Z gw1 some text that has no tag`,
			want{"hybrid", 14, "gw1", "", "", "some text that has no tag", "2026-02-07T09:29:18.734Z", event.DatasetGeneric, 0},
		},
	} {
		t.Run(name, func(t *testing.T) {
			e := line(tc.raw)
			checkHeader(t, e, tc.want)
			checkStrings(t, &e)
			if e.Tags&^event.TagClockSkew != 0 && e.Reason == "" {
				t.Error("tagged without a reason")
			}
		})
	}
}
