/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the kernel's messages say about processes that died of a fault: was it in the code of a patch, or in the file that
 * was patched?
 *
 *   nginx[1234]: segfault at 8 ip 00007f… sp 00007f… error 4 in libcrypto.so.3[7f…+2a0000]
 *   traps: nginx[1234] general protection fault ip:7f… sp:7f… error:0 in libcrypto.so.3[7f…+2a0000]
 *
 * The new code lies in memory without a file, for which the kernel names none. So a message counts when the process was
 * patched, known by its pid or by its name, and the place is in the patched file or in none at all.
 */
#ifndef SUTURE_AGENT_APPLY_LIBRARY_FAULTS_H
#define SUTURE_AGENT_APPLY_LIBRARY_FAULTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FAULTS_TEXT_MAX = 512, FAULTS_COMM_MAX = 16 };

struct faults_of {
	const int64_t *pids; /* that were patched */
	size_t npids;
	char (*comms)[FAULTS_COMM_MAX]; /* names of theirs, each once */
	size_t ncomms;
	const char *files[2]; /* names that the patched file may have in a message; NULL: none */
};

struct faults {
	bool fatal;
	char text[FAULTS_TEXT_MAX]; /* fatal: the first one, printable */
	unsigned int others;	    /* of patched processes, elsewhere */
};

/* text: any bytes, one message a line, with or without "<4>" and "[  1.234]" before it. A pure function. */
void faults_scan(const char *text, size_t len, const struct faults_of *of, struct faults *ret);

#endif
