//go:build linux

package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"
)

// importEstate gives a vswarden that is about to start an inventory: hosts as loadgen names them, VMs at the ports
// of its L2Sec lines.
func (w *work) importEstate(ctx context.Context, at place, s scenario) error {
	vms := s.vms
	if vms == 0 {
		vms = usualVMs
	}
	text, err := json.Marshal(estate(s.hosts, vms, time.Now()))
	if err != nil {
		return err
	}
	file := filepath.Join(at.Dir, "estate")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, filepath.Join(w.bin, "vswarden"), "inventory", "import", "--data", filepath.Join(at.Dir, "data"), "--kind", "json", file)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("inventory import: %w\n%s", err, out)
	}
	return os.Remove(file)
}

type object = map[string]any

// estate is an inventory in the format of `vswarden inventory export`: VMs with all that a real one has, spread
// over the hosts.
func estate(hosts, vms int, now time.Time) object {
	list := make([]object, hosts)
	machines, ports, groups := make([][]object, hosts), make([][]object, hosts), make([][]object, hosts)
	for n := range vms {
		h, port := n%hosts, 0x4000000+n/hosts
		name := fmt.Sprintf("app-%05d", n)
		mac := fmt.Sprintf("00:50:56:%02x:%02x:%02x", 0x80|n>>16&0x3f, n>>8&0xff, n&0xff)
		group := fmt.Sprintf("VLAN%d-PROD", n%40)
		if !slices.ContainsFunc(groups[h], func(g object) bool { return g["name"] == group }) {
			groups[h] = append(groups[h], object{
				"name": group, "switch": "vSwitch0", "vlan": 100 + n%40, "allow_promiscuous": "reject", "mac_changes": "accept", "forged_transmits": "accept",
			})
		}
		uuid := fmt.Sprintf("503a%04x-%04x-4b1c-9d1e-246e96%06x", n>>16, n&0xffff, n)
		machines[h] = append(machines[h], object{
			"name": name, "moid": fmt.Sprintf("vm-%d", n), "instance_uuid": uuid, "bios_uuid": uuid, "world_id": 2_000_000 + n,
			"power_state": "poweredOn", "vmx": fmt.Sprintf("[vsanDatastore] 5f3a%06d-1c2b-9d1e-6b2a-246e96d0c4d0/%s.vmx", n, name),
			"guest_id": "ubuntu64Guest", "guest_hostname": name + ".corp.example.com", "ip": []string{fmt.Sprintf("10.%d.%d.%d", n>>16&0xff, n>>8&0xff, n&0xff)},
			"folder": fmt.Sprintf("/DC1/vm/Prod/%d", n%50), "resource_pool": "Resources", "owner": fmt.Sprintf("team-%d", n%40), "tags": []string{"env:prod"},
			"nics": []object{{"key": 4000, "label": "Network adapter 1", "mac": mac, "adapter": "vmxnet3", "connected": true, "portgroup": group}},
		})
		ports[h] = append(ports[h], object{
			"port_id_dec": port, "kind": "vm", "vm": name, "client": name + ".eth0", "nic": 4000, "mac": mac, "switch": "vSwitch0", "portgroup": group,
		})
	}
	for h := range hosts {
		list[h] = object{
			"name": fmt.Sprintf("esx-%04d.lab.example", h), "moid": fmt.Sprintf("host-%d", h), "version": "8.0.3", "build": "24022510", "cluster": "Prod-01",
			"vmk":        []object{{"device": "vmk0", "port_id_dec": 33554436, "ip": []string{fmt.Sprintf("192.0.%d.%d", h>>8, h&0xff)}}},
			"portgroups": groups[h], "vms": machines[h], "ports": ports[h],
		}
	}
	return object{"format": "vswarden-inventory", "version": 1, "at": now.UTC().Format(time.RFC3339), "hosts": list}
}

// makeCertificate writes a pair for 127.0.0.1.
func makeCertificate(dir string) (cert, key string, err error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return "", "", err
	}
	mold := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "127.0.0.1"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(48 * time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, mold, mold, &private.PublicKey, private)
	if err != nil {
		return "", "", err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return "", "", err
	}
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	if err := os.WriteFile(cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o644); err != nil {
		return "", "", err
	}
	return cert, key, os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), 0o600)
}
