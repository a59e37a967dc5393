// SPDX-License-Identifier: Apache-2.0
#include "install/script.h"

#include "api/document.h"
#include "web/script.h"

int script_write(const struct script *s, struct sut_buf *b, struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf list = SUT_BUF_INIT(1 << 20);
	int r = 0;

	for (size_t i = 0; r == 0 && i < s->npackages; i++)
		r = sut_buf_addf(&list, "%s%s %s %s %s %s", i ? "\n" : "", s->packages[i].format,
				 s->packages[i].arch, s->packages[i].file, s->packages[i].sha256,
				 s->packages[i].libraries ? "libraries" : "agent");
	if (r < 0)
		return sut_err_oom(err);
	const struct web_script_value v[] = {
		{"portal", s->portal}, {"packages", sut_buf_str(&list)},
		{"ca", s->ca},	       {"root", s->root},
		{"keys", s->keys},     {"suture_key", s->key},
	};

	return web_script_fill(install_script, install_script_len, v, SUT_ARRAY_SIZE(v), b, err);
}
