package event

// LossKind says how log lines were lost, or may have been.
type LossKind string

// The kinds of loss.
const (
	LossNone     LossKind = ""
	LossRemote   LossKind = "remote_failure" // a log host cannot be reached; what comes now is lost to it
	LossLost     LossKind = "lost"           // a logger gives the number of messages it lost
	LossStress   LossKind = "stress"         // the host drops messages because its queue is full
	LossModified LossKind = "modified"       // the host shortened this very message
	LossKernel   LossKind = "kernel"         // our own: the kernel of this machine threw datagrams away
	LossNetlink  LossKind = "netlink"        // linkwatch: the kernel lost messages about links; all were read anew
	LossRepeated LossKind = "repeated"       // "last message repeated N times": nothing is lost but the copies
)

// LogLoss is what a line says about other lines that did not come.
type LogLoss struct {
	Kind   LossKind
	Count  uint64 // messages lost or repeated; of stress the length of the queue; of modified the original length in bytes
	Target string // log host that is meant: 192.0.2.50:7002
}
