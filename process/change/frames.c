// SPDX-License-Identifier: Apache-2.0
#include "change/frames.h"

#include <errno.h>
#include <inttypes.h>

#include "change/image.h"
#include "look/symbol.h"

#define PAGE ((uint64_t)SUT_LIBRARY_PAGE)

enum { TIMEOUT_MS = 20 };

/* The page behind the image: the unwinder's struct object (at most 64 bytes in every version), and whether it has been given to it. */
struct notes {
	uint8_t object[128];
	uint64_t registered; /* enum registered */
};

enum registered {
	REGISTERED_NO = 0,
	REGISTERED_PERHAPS = 1, /* begun: whoever did it may have died before it was done */
	REGISTERED_YES = 2,
};

static uint64_t notes_off(const struct sut_library *l)
{
	return ((uint64_t)l->mem_len + PAGE - 1) & ~(PAGE - 1);
}

uint64_t frames_len(const struct sut_library *l)
{
	return notes_off(l) + (l->frames && l->eh_frame_len ? PAGE : 0);
}

int image_register_frames(struct proc *p, pid_t tid, const struct record *r,
			  const struct sut_library *l, const uint64_t *pcs, size_t npcs,
			  struct sut_err *err)
{
	uint64_t notes = r->at + notes_off(l), done = 0;
	struct elf_mem m = elf_mem_of(p);
	const struct proc_elf *owner = NULL;
	struct inject_gadgets g;
	struct symbol function;
	int rc;

	if (!l->frames || !l->eh_frame_len)
		return 0;
	if (proc_read(p, notes + offsetof(struct notes, registered), &done, sizeof(done)) < 0)
		return sut_err_set(err, EIO, "The notes of %s in process %d cannot be read.",
				   r->head.id, p->pid);
	if (done)
		return 0;
	for (size_t i = 0; i < p->nelfs && !owner; i++) {
		struct symbol_object o;

		if (symbol_object(&m, &p->elfs[i], &o) == 0 &&
		    symbol_find(&m, &o, "__register_frame_info", "", &function) == 0)
			owner = &p->elfs[i];
	}
	/* It may have an unwinder, of which nobody outside can tell where it is. */
	if (!owner && p->nelfs == 1)
		return sut_err_reason(err, ENOENT, "import",
				      "Process %d (%s) is linked statically: exceptions could not "
				      "pass through the new code. Restart it with the updated "
				      "package.",
				      p->pid, p->comm);
	if (!owner || function.ifunc || function.tls || function.addr < owner->text ||
	    function.addr >= owner->text_end)
		return 0;
	for (size_t i = 0; i < npcs; i++)
		if (pcs[i] >= owner->text && pcs[i] < owner->text_end)
			return sut_err_reason(
				err, EBUSY, "busy",
				"A thread of process %d is inside of the unwinder. Try "
				"again.",
				p->pid);
	rc = inject_find(p, 0, &g, err);
	if (rc == 0) {
		const uint64_t args[2] = {r->at + l->eh_frame_off, notes};

		/* Before the call: twice would be worse than not at all. */
		done = REGISTERED_PERHAPS;
		rc = proc_write(p, notes + offsetof(struct notes, registered), &done, sizeof(done),
				err);
		if (rc == 0)
			rc = inject_call(p, tid, &g, function.addr, args, TIMEOUT_MS, err);
		done = REGISTERED_YES;
		if (rc == 0)
			rc = proc_write(p, notes + offsetof(struct notes, registered), &done,
					sizeof(done), err);
	}
	return rc;
}

bool frames_sure(const struct proc *p, const struct record *r, const struct sut_library *l)
{
	uint64_t done;

	return !l->frames || !l->eh_frame_len ||
	       (proc_read(p, r->at + notes_off(l) + offsetof(struct notes, registered), &done,
			  sizeof(done)) == 0 &&
		done != REGISTERED_PERHAPS);
}
