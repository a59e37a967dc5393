// SPDX-License-Identifier: Apache-2.0
/* The kernel's messages about processes that died, in which a process may have its name say what it likes: what is told is printable,
 * and no patch is blamed for a process that does not have it, or for a fault elsewhere. */
#include <string.h>

#include "fuzz.h"
#include "suture-apply/library/faults.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const int64_t pids[] = {1234, 7, 2147483647};
	static char comms[][FAULTS_COMM_MAX] = {"nginx", "a b]c[9]"};
	const char *text = (const char *)data;
	struct faults_of of = {.pids = pids,
			       .npids = 3,
			       .comms = comms,
			       .ncomms = 2,
			       .files = {"libcrypto.so.3", "libcrypto.so.3.0.17"}};
	const struct faults_of nobody = {.files = {"libcrypto.so.3", NULL}};
	struct faults f, none, first;
	const char *end;

	faults_scan(text, size, &of, &f);
	faults_scan(text, size, &nobody, &none);
	FUZZ_ASSERT(!none.fatal && !none.others && !none.text[0]);
	FUZZ_ASSERT(strlen(f.text) < FAULTS_TEXT_MAX && (f.fatal || !f.text[0]));
	for (const char *p = f.text; *p; p++)
		FUZZ_ASSERT((unsigned char)*p >= ' ' && *p != 0x7f);
	/* Each line by itself: one says no less than all of them together. */
	end = memchr(text, '\n', size);
	faults_scan(text, end ? (size_t)(end - text) : size, &of, &first);
	FUZZ_ASSERT(!first.fatal || (f.fatal && strcmp(first.text, f.text) == 0));
	FUZZ_ASSERT(first.others <= f.others);
	/* Without a file that is the patched one, only a fault in no file at all counts. */
	of.files[0] = of.files[1] = NULL;
	faults_scan(text, size, &of, &none);
	FUZZ_ASSERT(!none.fatal || f.fatal);
	FUZZ_ASSERT(none.fatal + none.others <= size);
	return 0;
}
