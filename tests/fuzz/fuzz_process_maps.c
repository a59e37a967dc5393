// SPDX-License-Identifier: Apache-2.0
/* look/proc.h: what /proc tells of a process, and where room is found by it. */
#include <errno.h>
#include <string.h>

#include "fuzz.h"
#include "look/proc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct proc p = {0};
	struct proc_stat s;
	struct sut_err err = {0};
	uint64_t at;
	int r;

	if (proc_stat_parse((const char *)data, size, &s) == 0)
		FUZZ_ASSERT(memchr(s.comm, 0, sizeof(s.comm)));
	r = proc_maps_parse((const char *)data, size, &p.maps, &p.nmaps, &err);
	if (r < 0) {
		FUZZ_ASSERT(r == -EBADMSG || r == -EOVERFLOW || r == -ENOMEM);
		FUZZ_ASSERT(err.code == -r && err.msg[0]);
		return 0;
	}
	for (size_t i = 0; i < p.nmaps; i++) {
		const struct proc_map *m = &p.maps[i];

		FUZZ_ASSERT(m->start < m->end && memchr(m->path, 0, sizeof(m->path)));
		FUZZ_ASSERT(!i || p.maps[i - 1].end <= m->start);
		FUZZ_ASSERT(proc_map_at(&p, m->start) == m && proc_map_at(&p, m->end - 1) == m);
		FUZZ_ASSERT(proc_map_at(&p, m->end) != m);
	}
	p.start_brk = size > 8 ? (uint64_t)data[size / 2] << 28 : 0;
	for (size_t i = 0; i < p.nmaps && i < 8; i++) {
		const struct proc_map *m = &p.maps[i];
		uint64_t len = (uint64_t)(1 + data[i % size]) << (12 + data[0] % 20);

		if (proc_hole(&p, m->start, m->end, len, &at, NULL) < 0)
			continue;
		FUZZ_ASSERT(at % SUT_LIBRARY_PAGE == 0 && at >= 1 << 20);
		FUZZ_ASSERT(at + len < UINT64_C(0x800000000000));
		FUZZ_ASSERT(at < m->start ? m->end - at < 1u << 31
					  : at + len - m->start < 1u << 31);
		for (size_t k = 0; k < p.nmaps; k++)
			FUZZ_ASSERT(at + len <= p.maps[k].start || at >= p.maps[k].end);
	}
	free(p.maps);
	return 0;
}
