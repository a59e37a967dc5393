// SPDX-License-Identifier: Apache-2.0
#include "settings.h"

#include <stdlib.h>
#include <syslog.h>

#include "common/conf.h"

void settings_read(struct apply *a, struct settings *ret)
{
	_cleanup_(sut_freep) struct agent_conf *c = calloc(1, sizeof(*c));
	struct sut_err err = {0};

	*ret = (struct settings){.probation_s = 900, .health_s = 60};
	if (!c)
		return;
	if (agent_conf_read(a->root, c, &err) < 0) {
		apply_log(LOG_WARNING, "%s; the defaults count", err.msg);
		return;
	}
	ret->probation_s = c->probation_s;
	ret->health_s = c->health_s;
}
