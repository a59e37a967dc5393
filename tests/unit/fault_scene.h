/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One call of suture-apply goes wrong at every place: it is killed before its 1st, 2nd, 3rd … system call, and each call that
 * changes files fails, for want of space, of a writable disk, of a disk at all. After each of these what the machine's
 * folder says has to hold, and from there, each by itself, so does whatever may come next.
 *
 * AGENT_FAULTS=all takes every place (make soak); otherwise every few, and fewer with sanitizers, which make each of them
 * many times as long.
 */
#ifndef SUTURE_TESTS_FAULT_SCENE_H
#define SUTURE_TESTS_FAULT_SCENE_H

#include "sample_machine.h"

/* What may come after it. */
struct fault_next {
	const char *name; /* NULL ends the list */
	void (*check)(struct sample_machine *s);
};

struct fault_scene {
	struct sample_machine *s;
	const char *place; /* what goes wrong, for whoever looks for a mistake */
	int (*run)(const struct sample_machine *s, struct sut_err *err);
	bool process; /* suture-process runs, and goes on with what the folder says each time */
	void (*holds)(const struct sample_machine *s);
	const struct fault_next *next;
	/* Of the places, so many are passed over: without and with sanitizers. */
	unsigned int kill_step[2], error_step[2];
};

/* Begins with the machine as it is, and leaves it as what came last left it. */
void fault_everywhere(const struct fault_scene *scene);

/* For the end of a test that failed: prints where it was. */
void fault_scene_say(void);

/* Each staged file in this folder of the agent's that ends with `ending` has the hash in its name; none begins with `damaged`. */
void fault_staged_are_whole(const struct sample_machine *s, const char *folder, const char *ending,
			    const char *damaged);

/* This file of the agent's is not there, or is JSON. */
void fault_is_json(const struct sample_machine *s, const char *file);

#endif
