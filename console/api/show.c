// SPDX-License-Identifier: Apache-2.0
#include "api/show.h"

#include <ctype.h>
#include <string.h>

#include "base/str.h"

enum { Q_MAX = 256, PATCHSETS_MAX = 20 };

int show_verdicts_arg(struct web_req *q, struct web_resp *r, unsigned int *ret)
{
	const char *s = web_arg(q, "verdict");
	unsigned int mask = 0;

	while (s && *s) {
		size_t n = strcspn(s, ",");
		char name[32];
		enum verdict v;

		snprintf(name, sizeof(name), "%.*s", n < sizeof(name) ? (int)n : 0, s);
		if (verdict_parse(name, &v) < 0)
			return web_problem(r, 400, "bad-argument",
					   "verdict is one of fix-ready, partial, fix-held, "
					   "reboot-needed, no-fix, unknown-target, not-affected, "
					   "live-fixed, or several with commas");
		mask |= 1u << v;
		s += n + (s[n] == ',');
	}
	*ret = mask;
	return 0;
}

int show_q_arg(struct web_req *q, struct web_resp *r, const char **ret)
{
	const char *s = web_arg(q, "q");

	if (s && strlen(s) > Q_MAX)
		return web_problem(r, 400, "bad-argument", "q may hold up to %d bytes", Q_MAX);
	*ret = s && *s ? s : NULL;
	return 0;
}

bool show_has(const char *text, const char *q)
{
	return !q || strcasestr(text, q) != NULL;
}

json_t *show_counts(const uint32_t verdicts[static VERDICTS])
{
	json_t *j = json_object();

	for (enum verdict v = 0; j && v < VERDICTS; v++)
		if (verdicts[v] &&
		    json_object_set_new(j, verdict_name(v), json_integer(verdicts[v])) < 0) {
			json_decref(j);
			return NULL;
		}
	return j;
}

json_t *show_products(unsigned int products)
{
	json_t *j = json_array();

	if ((products & VIEW_KERNEL) && json_array_append_new(j, json_string("kernel")) < 0)
		return NULL;
	if ((products & VIEW_LIBRARY) && json_array_append_new(j, json_string("library")) < 0)
		return NULL;
	return j;
}

json_t *show_text(const char *s)
{
	return s && *s ? json_string(s) : json_null();
}

json_t *show_system(const struct view_host *h)
{
	return json_pack("{s:s, s:s, s:o}", "id", h->uid, "hostname", h->hostname, "system_id",
			 show_text(h->system_id));
}

static bool listed(const json_t *list, const char *s)
{
	for (size_t i = 0; i < json_array_size(list); i++)
		if (sut_streq(json_string_value(json_array_get(list, i)), s))
			return true;
	return false;
}

/* Patchsets that close it from their level on. */
static json_t *patchsets_of(const struct map_index *x, int64_t cve)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < index_count(x) && json_array_size(list) < PATCHSETS_MAX;
	     i++) {
		const struct index_target *t = index_at(x, i);
		const struct index_fix *f = cve ? index_fix(t, cve) : NULL;

		for (size_t k = 0; f && f->level && k < t->nlevels; k++)
			if (t->levels[k].level == f->level && t->levels[k].patchset &&
			    !listed(list, t->levels[k].patchset) &&
			    json_array_append_new(list, json_string(t->levels[k].patchset)) < 0) {
				json_decref(list);
				return NULL;
			}
	}
	return list;
}

json_t *show_cve(const struct map_view *v, const struct view_cve *c)
{
	return json_pack("{s:s, s:s, s:I, s:I, s:o, s:o, s:o}", "cve", c->name, "severity",
			 find_severity_name(c->severity), "systems", (json_int_t)c->systems,
			 "exposed", (json_int_t)c->exposed, "verdicts", show_counts(c->verdicts),
			 "products", show_products(c->products), "patchsets",
			 patchsets_of(view_index(v), c->key));
}

int show_page(struct web_req *q, struct web_resp *r, const struct web_page *page,
	      const struct show_list *l, struct sut_err *err)
{
	json_t *items = json_array();
	size_t last = (size_t)page->after;
	bool more = false;

	for (size_t i = last; items && i < l->n; i++) {
		if (l->passes && !l->passes(l->ctx, i))
			continue;
		if (json_array_size(items) == (size_t)page->limit) {
			more = true;
			break;
		}
		last = i + 1;
		if (json_array_append_new(items, l->item(l->ctx, i)) < 0) {
			json_decref(items);
			return sut_err_oom(err);
		}
	}
	return web_page_put(q, r, items, (int64_t)last, more, err);
}
