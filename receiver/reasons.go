package receiver

// DropReasons lists all reasons, for metrics that show each from the start.
func DropReasons() []DropReason { return upTo[DropReason](dropReasons) }

// Refusals lists all reasons, for metrics that show each from the start.
func Refusals() []Refusal { return upTo[Refusal](refusals) }

// HandshakeFaults lists all reasons, for metrics that show each from the start.
func HandshakeFaults() []HandshakeFault { return upTo[HandshakeFault](handshakeFaults) }

// CloseReasons lists all reasons, for metrics that show each from the start.
func CloseReasons() []CloseReason { return upTo[CloseReason](closeReasons) }

func upTo[T ~uint8](n int) []T {
	all := make([]T, n)
	for i := range all {
		all[i] = T(i)
	}
	return all
}
