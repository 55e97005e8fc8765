package event

import "fmt"

// SeverityNames are the names of the syslog severities 0–7 (RFC 5424, 6.2.1), as log.level and
// log.syslog.severity.name give them.
var SeverityNames = [8]string{
	"emergency", "alert", "critical", "error", "warning", "notice", "info", "debug",
}

// FacilityNames are the names of the syslog facilities 0–23 (RFC 5424, 6.2.1), short as in
// syslog.conf; 13 is the log audit, which ESXi uses for its audit records.
var FacilityNames = [24]string{
	"kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news",
	"uucp", "cron", "authpriv", "ftp", "ntp", "audit", "alert", "clock",
	"local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7",
}

// priorityParts are log.syslog.facility and log.syslog.severity by priority; read-only.
var priorityParts = makePriorityParts()

func makePriorityParts() (parts [192]string) {
	for p := range parts {
		parts[p] = fmt.Sprintf(`"facility":{"code":%d,"name":"%s"},"severity":{"code":%d,"name":"%s"},`,
			p>>3, FacilityNames[p>>3], p&7, SeverityNames[p&7])
	}
	return parts
}

// priorityMembers are log.syslog.priority by priority; read-only.
var priorityMembers = makePriorityMembers()

func makePriorityMembers() (members [192]string) {
	for p := range members {
		members[p] = fmt.Sprintf(`"priority":%d,`, p)
	}
	return members
}

// priorityLogs are log.syslog.priority and all that stands before it in a log without a logger, by priority; read-only.
var priorityLogs = makePriorityLogs()

func makePriorityLogs() (logs [192]string) {
	for p := range logs {
		logs[p] = fmt.Sprintf(`"log":{"level":"%s","syslog":{%s`, SeverityNames[p&7], priorityMembers[p])
	}
	return logs
}

// HasPriority reports whether the header had a <PRI> between 0 and 191.
func (s *Syslog) HasPriority() bool { return s.Priority >= 0 && s.Priority <= 191 }

// Severity is the syslog severity, 0–7; only where HasPriority.
func (s *Syslog) Severity() int { return int(s.Priority) & 7 }

// Facility is the syslog facility, 0–23; only where HasPriority.
func (s *Syslog) Facility() int { return int(s.Priority) >> 3 }
