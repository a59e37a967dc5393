/* SPDX-License-Identifier: Apache-2.0 */
/* The note by which programs made by the Go compiler are known. */
	.section .note.go.buildid, "a", @note
	.balign 4
	.long 4, 8, 4
	.asciz "Go\0"
	.ascii "suture/1"
	.section .note.GNU-stack, "", @progbits
