package vcenter

import (
	"strings"
	"testing"

	"github.com/vmware/govmomi/vim25/types"
	"github.com/vmware/govmomi/vim25/xml"

	"vswarden/inventory"
	"vswarden/inventory/vcenter/access"
)

// FuzzUpdateSet gives the feeder whatever govmomi makes of an answer. Nothing in it may panic or loop.
func FuzzUpdateSet(f *testing.F) {
	f.Add(`<returnval><version>1</version><filterSet><filter type="PropertyFilter">x</filter><objectSet><kind>enter</kind><obj type="VirtualMachine">vm-1</obj><changeSet><name>name</name><op>assign</op><val xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="xsd:string">web-01</val></changeSet><changeSet><name>config.hardware.device</name><op>assign</op><val xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="ArrayOfVirtualDevice"><VirtualDevice xsi:type="VirtualVmxnet3"><key>4000</key><backing xsi:type="VirtualEthernetCardDistributedVirtualPortBackingInfo"><port><switchUuid>x</switchUuid></port></backing><macAddress>00:50:56:84:5a:ba</macAddress></VirtualDevice><VirtualDevice xsi:type="Strange"/></val></changeSet></objectSet></filterSet></returnval>`)
	f.Add(`<returnval><filterSet><objectSet><kind>modify</kind><obj type="HostSystem">host-1</obj><changeSet><name>config.network</name><op>assign</op><val xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="HostNetworkInfo"><portgroup><port><key>key-vim.host.PortGroup.Port-33554436</key><mac>00:50:56:84:5a:ba</mac><type>virtualMachine</type></port><spec><name>VM Network</name><vlanId>0</vlanId><vswitchName>vSwitch0</vswitchName></spec></portgroup></val></changeSet></objectSet></filterSet></returnval>`)
	f.Add(`<returnval><filterSet><objectSet><kind>enter</kind><obj type="DistributedVirtualPortgroup">dvportgroup-1</obj><changeSet><name>config</name><op>assign</op><val xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="DVPortgroupConfigInfo"><defaultPortConfig xsi:type="VMwareDVSPortSetting"><vlan xsi:type="VmwareDistributedVirtualSwitchTrunkVlanSpec"><vlanId><start>5</start><end>1</end></vlanId></vlan></defaultPortConfig><policy xsi:type="VMwareDVSPortgroupPolicy"/></val></changeSet><missingSet><path>name</path><fault><fault xsi:type="NoPermission"/></fault></missingSet></objectSet></filterSet></returnval>`)
	f.Fuzz(func(t *testing.T, text string) {
		d := xml.NewDecoder(strings.NewReader(text))
		d.TypeFunc = types.TypeFunc()
		var set types.UpdateSet
		if d.Decode(&set) != nil {
			return
		}
		feeder, err := New(inventory.New(inventory.DefaultConfig()), access.Config{URL: "http://127.0.0.1:1"}, nil)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 { // once more over what the first left
			b := feeder.newBatch()
			for i := range set.FilterSet {
				for j := range set.FilterSet[i].ObjectSet {
					b.take(&set.FilterSet[i].ObjectSet[j])
				}
			}
			b.replace()
			b.privateVLANs()
			if err := feeder.inv.Apply(&b.u); err != nil {
				t.Fatal(err)
			}
		}
		if feeder.stats.Panics.Load() > 0 {
			t.Errorf("a value was not understood: %v", feeder.Status().Missing)
		}
	})
}
