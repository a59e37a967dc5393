// SPDX-License-Identifier: Apache-2.0
#include "halves.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "ask.h"
#include "base/file.h"
#include "common/paths.h"

enum { STATE_MAX = WIRE_MAX }; /* bytes of AGENT_APPLY_STATE: it is the answer to "status" */

void halves_release(struct halves *h)
{
	json_decref(h->network);
	json_decref(h->apply);
	*h = (struct halves){0};
}

static int take_state(const json_t *answer, const char *who, json_t **ret, struct sut_err *err)
{
	json_t *state = ask_state(answer);

	if (!state)
		return sut_err_reason(err, EBADMSG, "no-answer",
				      "%s answers without its state. Is it of another version? "
				      "Restart it",
				      who);
	*ret = state;
	return 0;
}

static int ask_for_state(enum ask_whom whom, const char *who, json_t **ret, struct sut_err *err)
{
	static const struct ask quick = {.timeout_ms = ASK_SHORT_MS};
	_cleanup_(json_decrefp) json_t *answer = NULL;
	int r = ask_call(whom, json_pack("{s:s}", "verb", "status"), &quick, &answer, err);

	return r < 0 ? r : take_state(answer, who, ret, err);
}

static int read_file(const char *root, json_t **ret, struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(STATE_MAX);
	struct agent_path path = agent_path(root, AGENT_APPLY_STATE);
	_cleanup_(json_decrefp) json_t *doc = NULL;
	int r = sut_file_read(path.s, &b, err);

	if (r == 0)
		r = wire_parse(b.data, b.len, &doc, err);
	if (r < 0)
		return r;
	return take_state(doc, path.s, ret, err);
}

int halves_read_apply(const char *root, struct halves *ret, struct sut_err *err)
{
	struct sut_err why = {0};

	/* Others may not ask; the file says the same but for what passes by itself. */
	if ((geteuid() == 0 || *root) &&
	    ask_for_state(ASK_APPLY, "suture-apply", &ret->apply, &ret->apply_err) == 0) {
		ret->live = true;
		return 0;
	}
	if (read_file(root, &ret->apply, &why) == 0)
		return 0;
	if (!ret->apply_err.code) {
		ret->apply_err = why;
		if (why.code == ENOENT)
			(void)!sut_err_reason(&ret->apply_err, ENOENT, "no-agent",
					      "suture-apply has not run since this boot. Start it: "
					      "systemctl start suture-boot.service "
					      "suture-apply.socket");
	}
	if (err)
		*err = ret->apply_err;
	return -ret->apply_err.code;
}

void halves_read(const char *root, struct halves *ret)
{
	(void)!ask_for_state(ASK_NETWORK, "sutured", &ret->network, &ret->network_err);
	(void)!halves_read_apply(root, ret, NULL);
}

static json_t *half_json(const json_t *state, const char *source, const struct sut_err *err)
{
	return json_pack("{s:s,s:s?,s:O?}", "source", state ? source : "none", "message",
			 err->code ? err->msg : NULL, "state", state);
}

json_t *halves_json(const struct halves *h)
{
	return json_pack("{s:o,s:o}", "network", half_json(h->network, "sutured", &h->network_err),
			 "apply",
			 half_json(h->apply, h->live ? "suture-apply" : "file", &h->apply_err));
}
