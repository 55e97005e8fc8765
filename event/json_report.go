package event

// append appends the members of vmware that a report has.
func (r *Report) append(dst []byte) []byte {
	if r == nil {
		return dst
	}
	dst = appendNamed(dst, `"vcenter":{`, r.VCenter.Name, true, `"instance_uuid":"`, r.VCenter.ID)
	dst = appendNamed(dst, `"datacenter":{`, r.Datacenter, false)
	dst = appendNamed(dst, `"cluster":{`, r.Cluster, false)
	dst = appendNamed(dst, `"host":{`, r.Host.Name, true, `"moid":"`, r.Host.ID)
	port := DVPortFacts{Key: r.Port}
	dst = port.append(r.Portgroup.append(r.Switch.append(dst)))
	mark := len(dst)
	dst = append(dst, `"policy":{`...)
	dst = r.Policy.append(dst)
	dst = endObject(dst, mark)
	dst = r.Posture.append(dst, r.Level)
	return r.Change.append(dst, r.Level)
}

func (p *Posture) append(dst []byte, level string) []byte {
	if p == nil {
		return dst
	}
	dst = append(dst, `"posture":{`...)
	dst = appendWord(dst, `"level":"`, level)
	dst = appendWords(dst, `"permits":[`, p.Permits)
	for _, list := range [...]struct {
		names, count string
		of           []string
		n            int
	}{
		{`"may_sniff":[`, `"may_sniff_count":`, p.MaySniff, p.SniffCount},
		{`"may_forge":[`, `"may_forge_count":`, p.MayForge, p.ForgeCount},
		{`"exposed":[`, `"exposed_count":`, p.Exposed, p.ExposedCount},
	} {
		dst = appendWords(dst, list.names, list.of)
		dst = appendUint(dst, list.count, uint64(max(list.n, 0)))
	}
	if p.Reach >= 0 {
		dst = appendUint(dst, `"reach":`, uint64(p.Reach))
	}
	dst = appendWords(dst, `"advice":[`, p.Advice)
	dst = appendWords(dst, `"notes":[`, p.Notes)
	return closeObject(dst)
}

func (c *Change) append(dst []byte, level string) []byte {
	if c == nil {
		return dst
	}
	mark := len(dst)
	dst = append(dst, `"policy_change":{`...)
	for _, s := range c.Settings {
		inner := len(dst)
		dst = append(dst, '"')
		dst = append(dst, s.Name...)
		dst = append(dst, `":{`...)
		dst = appendWord(dst, `"old":"`, s.Old)
		dst = appendWord(dst, `"new":"`, s.New)
		dst = endObject(dst, inner)
	}
	if c.weakens() {
		dst = append(dst, `"weakens":true,`...)
	}
	dst = appendWord(dst, `"direction":"`, c.Direction)
	dst = appendWord(dst, `"level":"`, level)
	if c.Since != 0 {
		dst = append(dst, `"since":"`...)
		dst = appendTime(dst, c.Since, 3)
		dst = append(dst, '"', ',')
	}
	return endObject(dst, mark)
}
