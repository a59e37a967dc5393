// SPDX-License-Identifier: Apache-2.0
#include "front/request.h"

enum { CONTENTS_MAX = 512 << 20 };

int sut_request_name(const struct sut_request *q, const char *local, const struct sut_fixset *fixes,
		     const uint8_t *build_id, size_t build_id_len,
		     char id[static SUT_REQUEST_ID_MAX], char hex[static SUT_SHA256_HEX],
		     struct sut_buf *cves, struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf all = SUT_BUF_INIT(CONTENTS_MAX);
	int r = sut_buf_add(&all, build_id, build_id_len);

	for (size_t i = 0; !r && i < fixes->fixes.n; i++)
		r = sut_buf_add(&all, fixes->texts[i].data, fixes->texts[i].len);
	for (const char *const *s = q->cves; !r && s && *s; s++)
		r = sut_buf_addf(cves, "%s%s", cves->len ? " " : "", *s);
	if (!r)
		r = sut_buf_addf(&all, "%u %s %s %s", q->level, q->id ? q->id : "",
				 sut_buf_str(cves), SUTURE_VERSION);
	if (r < 0)
		return sut_err_oom(err);
	sut_sha256_hex(all.data, all.len, hex);
	if (q->id)
		snprintf(id, SUT_REQUEST_ID_MAX, "%s", q->id);
	else
		snprintf(id, SUT_REQUEST_ID_MAX, "%s%.8s", local, hex);
	return 0;
}
