#include "textflag.h"

// Sixteen equal bytes each.
#define SIXTEEN(name, eight) \
	DATA name<>+0(SB)/8, eight; \
	DATA name<>+8(SB)/8, eight; \
	GLOBL name<>(SB), RODATA|NOPTR, $16

SIXTEEN(equals, $0x3d3d3d3d3d3d3d3d)
SIXTEEN(opens, $0x5b5b5b5b5b5b5b5b)
SIXTEEN(closes, $0x5d5d5d5d5d5d5d5d)
SIXTEEN(slashes, $0x2f2f2f2f2f2f2f2f)
SIXTEEN(lower, $0x2020202020202020)
SIXTEEN(firstLetter, $0x6161616161616161)
SIXTEEN(letters, $0x1919191919191919)   // 'z' - 'a'
SIXTEEN(firstOther, $0x2d2d2d2d2d2d2d2d)
SIXTEEN(others, $0x0c0c0c0c0c0c0c0c)    // '9' - '-'
SIXTEEN(margin, $0x7f7f7f7f7f7f7f7f)

// VALUE gives r a bit for each byte of the block at place that ends a value.
#define VALUE(place, r) \
	MOVOU    place, X0; \
	MOVO     X0, X1;    \
	MOVO     X0, X2;    \
	PCMPEQB  X5, X0;    \
	PCMPEQB  X6, X1;    \
	PCMPEQB  X7, X2;    \
	POR      X1, X0;    \
	POR      X2, X0;    \
	PMOVMSKB X0, r

// func valueEnds(s string) (ends uint64)
//
// SSE2, which every amd64 has. Of less than four blocks the last one is looked at with the bytes before it, and less than
// one is Go's.
TEXT ·valueEnds(SB), NOSPLIT, $0-24
	MOVQ  s_base+0(FP), SI
	MOVQ  s_len+8(FP), R8
	MOVOU equals<>(SB), X5
	MOVOU opens<>(SB), X6
	MOVOU closes<>(SB), X7
	CMPQ  R8, $64
	JLT   few
	VALUE((SI), AX)
	VALUE(16(SI), BX)
	VALUE(32(SI), CX)
	VALUE(48(SI), DX)
	SHLQ  $16, BX
	SHLQ  $32, CX
	SHLQ  $48, DX
	ORQ   BX, AX
	ORQ   DX, CX
	ORQ   CX, AX
	MOVQ  AX, ends+16(FP)
	RET

few:
	SUBQ $16, R8        // where the last block begins
	JLT  less
	XORL AX, AX
	XORL CX, CX
	JMP  next

more:
	VALUE((SI)(CX*1), BX)
	SHLQ CX, BX
	ORQ  BX, AX
	ADDQ $16, CX

next:
	CMPQ CX, R8
	JLT  more
	MOVQ R8, CX
	VALUE((SI)(CX*1), BX)
	SHLQ CX, BX
	ORQ  BX, AX
	MOVQ AX, ends+16(FP)
	RET

less:
	JMP ·valueEndsByByte(SB)

// NAME gives r a bit for each byte of the block at place that is no letter, no digit, no '-' and no '.'. What a byte is
// above the last of either range, which is nothing where it is within, the lesser of the two, and more than nothing for
// '/': with the margin added the high bit tells.
#define NAME(place, r) \
	MOVOU    place, X0; \
	MOVO     X0, X1;    \
	MOVO     X0, X2;    \
	PCMPEQB  X4, X2;    \
	PSUBB    X5, X0;    \
	PSUBUSB  X6, X0;    \
	POR      X2, X0;    \
	POR      X7, X1;    \
	PSUBB    X8, X1;    \
	PSUBUSB  X9, X1;    \
	PMINUB   X1, X0;    \
	PADDUSB  X10, X0;   \
	PMOVMSKB X0, r

// func nameEnds(s string) (ends uint64)
//
// Two blocks hold the ends of two names mostly.
TEXT ·nameEnds(SB), NOSPLIT, $0-24
	MOVQ  s_base+0(FP), SI
	CMPQ  s_len+8(FP), $64
	JLT   less
	MOVOU slashes<>(SB), X4
	MOVOU firstOther<>(SB), X5
	MOVOU others<>(SB), X6
	MOVOU lower<>(SB), X7
	MOVOU firstLetter<>(SB), X8
	MOVOU letters<>(SB), X9
	MOVOU margin<>(SB), X10
	NAME((SI), AX)
	NAME(16(SI), BX)
	SHLQ  $16, BX
	ORQ   BX, AX
	LEAQ  -1(AX), CX
	TESTQ AX, CX
	JNZ   done          // more than one bit
	NAME(32(SI), BX)
	NAME(48(SI), CX)
	SHLQ  $32, BX
	SHLQ  $48, CX
	ORQ   BX, AX
	ORQ   CX, AX

done:
	MOVQ AX, ends+16(FP)
	RET

less:
	JMP ·nameEndsByByte(SB)
