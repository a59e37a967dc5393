/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet/decision.h"

int system_decide(struct portal *p, struct sut_db *db, const struct fleet_system *s, int64_t now,
		  const struct feed_view **ret_view, struct decide_in *ret_in,
		  struct decide_out *ret, struct sut_err *err)
{
	struct decide_policy policy = {
		.has_delay = s->delay_hours >= 0,
		.delay_hours = s->delay_hours,
		.pin = s->text[SYS_PIN],
		.hold = s->hold,
		.hold_until = s->hold_until,
		.hold_reason = s->text[SYS_HOLD_REASON],
		.running = (uint32_t)s->level,
		.running_patchset = s->text[SYS_PATCHSET],
		.now = now,
	};
	const struct feed_view *view = NULL;
	int r = decisions_get(p, db, s->feed, s->text[SYS_BUILD_ID], &view, err);

	if (r < 0)
		return r;
	r = decide_for(db, view, &policy, ret_in, ret, err);
	if (r < 0) {
		decisions_put(view);
		return r;
	}
	*ret_view = view;
	return 0;
}
