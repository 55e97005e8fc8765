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
DATA ones16<>+0(SB)/8, $0x0101010101010101
DATA ones16<>+8(SB)/8, $0x0101010101010101
GLOBL ones16<>(SB), RODATA|NOPTR, $16

// PLAIN makes a all ones where the byte of x is plain, and zeros where it is not; x and b are lost. A byte is plain
// where it and one more, as a signed byte, is above a blank (0x7f and one more is the least there is, and from 0x80 on
// they are below zero), and where it is neither a quote nor a backslash.
#define PLAIN(x, a, b) \
	MOVO    x, a;  \
	MOVO    x, b;  \
	PADDB   X8, x; \
	PCMPGTB X7, x; \
	PCMPEQB X5, a; \
	PCMPEQB X6, b; \
	POR     b, a;  \
	PANDN   x, a

// func plainBlocks(s string, i int) int
//
// SSE2, which every amd64 has. Two blocks a turn, as long as there are two; what is less than a block at the end is
// looked at with the bytes before it.
TEXT ·plainBlocks(SB), NOSPLIT, $0-32
	MOVQ  s_base+0(FP), SI
	MOVQ  s_len+8(FP), CX
	MOVQ  i+16(FP), AX
	MOVOU quotes16<>(SB), X5
	MOVOU slashes16<>(SB), X6
	MOVOU blanks16<>(SB), X7
	MOVOU ones16<>(SB), X8
	SUBQ  $16, CX         // the last place where a block begins
	LEAQ  -16(CX), BX     // and where two do

two:
	CMPQ     AX, BX
	JGT      one
	MOVOU    (SI)(AX*1), X0
	MOVOU    16(SI)(AX*1), X3
	PLAIN(X0, X1, X2)
	PLAIN(X3, X4, X2)
	PAND     X1, X4
	PMOVMSKB X4, DX
	CMPL     DX, $0xffff
	JNE      one // finds it again
	ADDQ     $32, AX
	JMP      two

one:
	CMPQ     AX, CX
	JGT      rest
	MOVOU    (SI)(AX*1), X0
	PLAIN(X0, X1, X2)
	PMOVMSKB X1, DX
	XORL     $0xffff, DX
	JNZ      found
	ADDQ     $16, AX
	JMP      one

rest:
	LEAQ 16(CX), DX
	CMPQ AX, DX
	JGE  done
	MOVQ CX, AX
	JMP  one

found:
	BSFL DX, DX
	ADDQ DX, AX

done:
	MOVQ AX, ret+24(FP)
	RET
