// SPDX-License-Identifier: Apache-2.0
#include "report/refusal.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "base/str.h"

int sut_refuse(struct sut_refusals *l, const char *reason, const char *name, const char *source,
	       unsigned int line, const char *fmt, ...)
{
	struct sut_refusal *v, *e;
	va_list ap;

	for (size_t i = 0; i < l->n; i++)
		if (sut_streq(l->v[i].reason, reason) && sut_streq(l->v[i].name, name) &&
		    sut_streq(l->v[i].source, source))
			return 0;
	v = reallocarray(l->v, l->n + 1, sizeof(*v));
	if (!v)
		return -ENOMEM;
	l->v = v;
	e = &v[l->n];
	*e = (struct sut_refusal){.reason = strdup(reason),
				  .name = strdup(name),
				  .source = strdup(source),
				  .line = line};
	va_start(ap, fmt);
	if (vasprintf(&e->text, fmt, ap) < 0)
		e->text = NULL;
	va_end(ap);
	l->n++;
	return e->reason && e->name && e->source && e->text ? 0 : -ENOMEM;
}

int sut_refuse_error(struct sut_refusals *l, const char *name, const char *source,
		     const struct sut_err *err)
{
	return sut_refuse(l, err->reason, name, source, 0, "%s", err->msg);
}

void sut_refusals_print(const struct sut_refusals *l, FILE *f)
{
	for (size_t i = 0; i < l->n; i++) {
		const struct sut_refusal *e = &l->v[i];

		fprintf(f, "%s", e->source);
		if (e->line)
			fprintf(f, ":%u", e->line);
		fprintf(f, ": %s [%s]\n    %s\n", e->name, e->reason, e->text);
	}
}

json_t *sut_refusals_json(const struct sut_refusals *l)
{
	json_t *a = json_array();

	for (size_t i = 0; i < l->n; i++) {
		const struct sut_refusal *e = &l->v[i];

		json_array_append_new(a, json_pack("{s:s s:s s:s s:i s:s}", "reason", e->reason,
						   "name", e->name, "source", e->source, "line",
						   (int)e->line, "text", e->text));
	}
	return a;
}

void sut_refusals_release(struct sut_refusals *l)
{
	for (size_t i = 0; i < l->n; i++) {
		free(l->v[i].reason);
		free(l->v[i].name);
		free(l->v[i].source);
		free(l->v[i].text);
	}
	free(l->v);
	l->v = NULL;
	l->n = 0;
}
