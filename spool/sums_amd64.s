#include "textflag.h"

// func sums3(a, b, c *byte, n int, sums *[3]uint32)
TEXT ·sums3(SB), NOSPLIT, $0-40
	MOVQ a+0(FP), SI
	MOVQ b+8(FP), DI
	MOVQ c+16(FP), DX
	MOVQ n+24(FP), CX
	MOVQ sums+32(FP), BX
	MOVL (BX), R8
	MOVL 4(BX), R9
	MOVL 8(BX), R10
	XORL AX, AX

eight:
	CMPQ   AX, CX
	JGE    done
	CRC32Q (SI)(AX*1), R8
	CRC32Q (DI)(AX*1), R9
	CRC32Q (DX)(AX*1), R10
	ADDQ   $8, AX
	JMP    eight

done:
	MOVL R8, (BX)
	MOVL R9, 4(BX)
	MOVL R10, 8(BX)
	RET

// func hasCRC32() bool
//
// CPUID leaf 1, bit 20 of ECX: SSE4.2.
TEXT ·hasCRC32(SB), NOSPLIT, $0-1
	MOVL $1, AX
	XORL CX, CX
	CPUID
	SHRL $20, CX
	ANDL $1, CX
	MOVB CX, ret+0(FP)
	RET
