// SPDX-License-Identifier: Apache-2.0
#include "health.h"

#include "base/str.h"

enum { DAY = 86400 };

/* How long the online roles live is the signer's business; these are its defaults. */
static int64_t life_of(const struct sut_repo *repo, const char *role)
{
	if (sut_streq(role, "timestamp"))
		return DAY;
	if (sut_streq(role, "snapshot"))
		return 7 * DAY;
	return sut_settings_expiry(&repo->settings, role);
}

static const struct sut_tuf_role *keys_of(const struct sut_tuf_meta *holder, const char *role,
					  enum sut_tuf_type type)
{
	if (type != SUT_TUF_TARGETS || sut_streq(role, "targets"))
		return &holder->roles[type];
	for (size_t i = 0; i < holder->ndelegations; i++)
		if (sut_streq(holder->delegations[i].name, role))
			return &holder->delegations[i].role;
	return NULL;
}

void sut_health_of(const struct sut_repo *repo, const struct sut_tree_role *role,
		   struct sut_health *ret)
{
	const struct sut_tree_role *holder = sut_repo_role(repo, role->delegator);
	const struct sut_tuf_role *r =
		holder ? keys_of(holder->meta, role->name, role->meta->type) : NULL;
	struct sut_health h = {
		.left = role->meta->expires - repo->now,
		.life = life_of(repo, role->name),
	};

	if (h.left <= 0)
		h.state = SUT_HEALTH_EXPIRED;
	else if (h.left < h.life / 2)
		h.state = SUT_HEALTH_SOON;
	if (r) {
		h.keys = r->nkeyids;
		h.threshold = r->threshold;
		(void)!sut_tuf_verify(role->meta, &holder->meta->keys, r, role->name, &h.good,
				      NULL);
	}
	*ret = h;
}
