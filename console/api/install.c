// SPDX-License-Identifier: Apache-2.0
/* /install/{token}: the script that makes a server one of this console. */
#include "api/api.h"
#include "install/install.h"

static int get(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	static const char *const none[] = {NULL};
	int rc = web_only_args(q, r, none);

	return rc ? rc : install_answer(q, r, q->params[0], err);
}

const struct web_route api_install[] = {
	{.method = "GET",
	 .path = "/install/{token}",
	 .allow = WEB_PUBLIC,
	 .flags = WEB_SECRET,
	 .run = get},
	{0},
};
