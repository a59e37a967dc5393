// SPDX-License-Identifier: Apache-2.0
#include "auth/role.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"

static const struct {
	unsigned int bit;
	const char *name;
} roles[] = {
	{SUT_ROLE_VIEWER, "viewer"},
	{SUT_ROLE_OPERATOR, "operator"},
	{SUT_ROLE_RELEASE, "release-manager"},
	{SUT_ROLE_KEYS, "key-manager"},
	{SUT_ROLE_ADMIN, "admin"},
	{SUT_ROLE_AUDITOR, "auditor"},
};

int sut_roles_parse(const char *s, unsigned int *ret, struct sut_err *err)
{
	unsigned int mask = 0;

	for (s += strspn(s, " "); *s; s += strspn(s, " ")) {
		size_t len = strcspn(s, " "), i;

		for (i = 0; i < SUT_ARRAY_SIZE(roles); i++)
			if (strlen(roles[i].name) == len && memcmp(roles[i].name, s, len) == 0)
				break;
		if (i == SUT_ARRAY_SIZE(roles))
			return sut_err_reason(err, EINVAL, "role",
					      "\"%.*s\" is no role; there are viewer, operator, "
					      "release-manager, key-manager, admin and auditor",
					      (int)(len < 64 ? len : 64), s);
		mask |= roles[i].bit;
		s += len;
	}
	*ret = mask;
	return 0;
}

const char *sut_role_name(unsigned int bit)
{
	for (size_t i = 0; i < SUT_ARRAY_SIZE(roles); i++)
		if (roles[i].bit == bit)
			return roles[i].name;
	return NULL;
}

void sut_roles_format(unsigned int mask, char ret[static 96])
{
	size_t at = 0;

	ret[0] = '\0';
	for (size_t i = 0; i < SUT_ARRAY_SIZE(roles); i++)
		if (mask & roles[i].bit)
			at += (size_t)snprintf(ret + at, 96 - at, "%s%s", at ? " " : "",
					       roles[i].name);
}
