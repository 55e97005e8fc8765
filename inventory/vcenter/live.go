package vcenter

type Live struct{}
