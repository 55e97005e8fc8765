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
DATA margin16<>+0(SB)/8, $0x2121212121212121
DATA margin16<>+8(SB)/8, $0x2121212121212121
GLOBL margin16<>(SB), RODATA|NOPTR, $16

DATA signs16<>+0(SB)/8, $0x0303030303030303
DATA signs16<>+8(SB)/8, $0x0303030303030303
GLOBL signs16<>(SB), RODATA|NOPTR, $16

// SPECIAL makes a byte of x that is plain 0x5e at most, and any other one more; a and b are lost. From a blank on, the
// plain ones are the first 0x5f, and quotes and backslashes become all ones. With the margin added, which ends at
// 0xff, the high bit tells.
#define SPECIAL(x, a, b) \
	MOVO    x, a;  \
	MOVO    x, b;  \
	PSUBB   X7, x; \
	PCMPEQB X5, a; \
	PCMPEQB X6, b; \
	POR     a, x;  \
	POR     b, x

// SIGN notes in X11 whether there is a # in what SPECIAL made of x, which is from a blank on: the third one. a is lost.
#define SIGN(x, a) \
	MOVO    x, a;   \
	PCMPEQB X10, a; \
	POR     a, X11

// func plainBlocks(s string, i int) (at int, others uint64, sign bool)
//
// SSE2, which every amd64 has. Four blocks a turn, as long as there are four; what is less than a block at the end is
// looked at with the bytes before it.
TEXT ·plainBlocks(SB), NOSPLIT, $0-41
	MOVQ  s_base+0(FP), SI
	MOVQ  s_len+8(FP), CX
	MOVQ  i+16(FP), AX
	MOVOU quotes16<>(SB), X5
	MOVOU slashes16<>(SB), X6
	MOVOU blanks16<>(SB), X7
	MOVOU margin16<>(SB), X8
	MOVOU signs16<>(SB), X10
	PXOR  X11, X11
	SUBQ  $16, CX         // the last place where a block begins
	LEAQ  -48(CX), BX     // and where four do
	CMPQ  AX, BX
	JGT   one

four:
	MOVOU    (SI)(AX*1), X0
	MOVOU    16(SI)(AX*1), X3
	MOVOU    32(SI)(AX*1), X4
	MOVOU    48(SI)(AX*1), X9
	SPECIAL(X0, X1, X2)
	SPECIAL(X3, X1, X2)
	SPECIAL(X4, X1, X2)
	SPECIAL(X9, X1, X2)
	MOVO     X0, X1
	PMAXUB   X3, X1
	PMAXUB   X4, X1
	PMAXUB   X9, X1
	PADDUSB  X8, X1
	PMOVMSKB X1, DX
	TESTL    DX, DX
	JNZ      any
	PCMPEQB  X10, X0      // SIGN of all four, which are of no other use here
	PCMPEQB  X10, X3
	PCMPEQB  X10, X4
	PCMPEQB  X10, X9
	POR      X0, X11
	POR      X3, X11
	POR      X4, X11
	POR      X9, X11
	ADDQ     $64, AX
	CMPQ     AX, BX
	JLE      four

one:
	CMPQ     AX, CX
	JGT      rest
	MOVOU    (SI)(AX*1), X0
	SPECIAL(X0, X1, X2)
	SIGN(X0, X1)
	PADDUSB  X8, X0
	PMOVMSKB X0, DX
	TESTL    DX, DX
	JNZ      found
	ADDQ     $16, AX
	JMP      one

rest:
	MOVOU    (SI)(CX*1), X0
	SPECIAL(X0, X1, X2)
	SIGN(X0, X1)
	PADDUSB  X8, X0
	PMOVMSKB X0, DX
	NEGQ     CX
	ADDQ     AX, CX
	SHRQ     CX, DX       // what lies before i; all of it where nothing is left
	JNZ      found
	MOVQ     s_len+8(FP), AX
	JMP      done

any:
	SIGN(X0, X1)
	SIGN(X3, X1)
	SIGN(X4, X1)
	SIGN(X9, X1)
	PADDUSB  X8, X0
	PADDUSB  X8, X3
	PADDUSB  X8, X4
	PADDUSB  X8, X9
	PMOVMSKB X0, DX
	PMOVMSKB X3, CX
	PMOVMSKB X4, BX
	PMOVMSKB X9, DI
	SHLQ     $16, CX
	SHLQ     $32, BX
	SHLQ     $48, DI
	ORQ      CX, DX
	ORQ      BX, DX
	ORQ      DI, DX

found:
	BSFQ DX, CX
	ADDQ CX, AX
	SHRQ CX, DX
	SHRQ $1, DX

done:
	MOVQ AX, at+24(FP)
	MOVQ DX, others+32(FP)
	PMOVMSKB X11, DX
	TESTL DX, DX
	SETNE sign+40(FP)
	RET
