#include "go_asm.h"
#include "textflag.h"

// func sealRecords(buf []byte, ends []uint32, number, key uint32)
//
// A checksum waits three cycles for each eight bytes, but nothing of a record waits for the one before it: the processor
// begins with the next two by itself, as long as it rarely guesses wrong where it goes on. So a record has one loop, over
// eight bytes at a time, and what is left of it, one to eight bytes, is summed up without a branch.
TEXT ·sealRecords(SB), NOSPLIT, $0-56
	MOVQ buf_base+0(FP), DI
	MOVQ ends_base+24(FP), SI
	MOVQ ends_len+32(FP), DX
	MOVL number+48(FP), R9
	MOVL key+52(FP), R10
	NOTL R10                    // a CRC-32C is kept inverted
	MOVL $const_frameHeader, BX // where the record begins

record:
	LEAQ (DI)(BX*1), R8
	MOVL (SI), BX
	LEAQ (DI)(BX*1), R11 // its end

	// Length and number are the first eight bytes; read from where the number was just stored they would have to be waited for.
	MOVL   4(R8), CX
	MOVL   R9, AX
	MOVL   R9, 8(R8)
	SHLQ   $32, AX
	ORQ    CX, AX
	MOVL   R10, R12
	CRC32Q AX, R12

	SUBQ $1, CX
	JCS  sum                   // nothing more
	MOVQ CX, AX
	SHRQ $3, AX
	LEAQ const_itemHeader(R8)(AX*8), R13
	NEGQ AX
	JEQ  rest

eight:
	CRC32Q (R13)(AX*8), R12
	INCQ   AX
	JNE    eight

rest:
	// k bytes are left. To put them, and the sum, at the end of eight makes zeros of those before them, which change nothing in
	// a sum of zero. What of the sum does not fit there comes out as it is.
	ANDL   $7, CX
	SHLL   $3, CX              // 8(k-1)
	MOVQ   R12, AX
	SHRQ   CX, AX
	SHRQ   $8, AX              // the sum but for its first k bytes
	XORL   $56, CX             // 8(8-k)
	MOVQ   -8(R11), R13
	SHRQ   CX, R13
	XORQ   R12, R13
	SHLQ   CX, R13
	XORL   R12, R12
	CRC32Q R13, R12
	XORL   AX, R12

sum:
	NOTL R12
	MOVL R12, (R8)
	ADDQ $4, SI
	INCL R9
	DECQ DX
	JNE  record
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
