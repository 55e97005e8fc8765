#include "textflag.h"

// Sixteen equal bytes each.
DATA quotes16<>+0(SB)/8, $0x2222222222222222
DATA quotes16<>+8(SB)/8, $0x2222222222222222
GLOBL quotes16<>(SB), RODATA|NOPTR, $16
DATA slashes16<>+0(SB)/8, $0x5c5c5c5c5c5c5c5c
DATA slashes16<>+8(SB)/8, $0x5c5c5c5c5c5c5c5c
GLOBL slashes16<>(SB), RODATA|NOPTR, $16
DATA blanks16<>+0(SB)/8, $0x2020202020202020
DATA blanks16<>+8(SB)/8, $0x2020202020202020
GLOBL blanks16<>(SB), RODATA|NOPTR, $16
DATA deletes16<>+0(SB)/8, $0x7f7f7f7f7f7f7f7f
DATA deletes16<>+8(SB)/8, $0x7f7f7f7f7f7f7f7f
GLOBL deletes16<>(SB), RODATA|NOPTR, $16

// func plainBlocks(s string, i int) int
//
// SSE2, which every amd64 has. As signed bytes those from 0x80 on are below a blank, too.
TEXT ·plainBlocks(SB), NOSPLIT, $0-32
	MOVQ  s_base+0(FP), SI
	MOVQ  s_len+8(FP), CX
	MOVQ  i+16(FP), AX
	MOVOU quotes16<>(SB), X5
	MOVOU slashes16<>(SB), X6
	MOVOU blanks16<>(SB), X7
	MOVOU deletes16<>(SB), X8
	SUBQ  $16, CX // the last place where sixteen bytes begin

next:
	CMPQ     AX, CX
	JGT      done
	MOVOU    (SI)(AX*1), X0
	MOVO     X7, X1
	PCMPGTB  X0, X1
	MOVO     X0, X2
	PCMPEQB  X5, X2
	MOVO     X0, X3
	PCMPEQB  X6, X3
	PCMPEQB  X8, X0
	POR      X2, X1
	POR      X3, X0
	POR      X0, X1
	PMOVMSKB X1, DX
	TESTL    DX, DX
	JNZ      found
	ADDQ     $16, AX
	JMP      next

found:
	BSFL DX, DX
	ADDQ DX, AX

done:
	MOVQ AX, ret+24(FP)
	RET
