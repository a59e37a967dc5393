/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Systems, findings and CVEs of a view as CSV. A fleet has millions of findings: lines go to a function as they come, and
 * nobody holds them all.
 */
#ifndef SUTURE_CONSOLE_EXPORT_TABLES_H
#define SUTURE_CONSOLE_EXPORT_TABLES_H

#include "export/csv.h"
#include "map/view.h"

/* Some lines, whole ones. < 0 ends it and is returned. */
typedef int (*export_lines)(void *ctx, const struct sut_buf *lines, struct sut_err *err);

struct export_query {
	struct view_query hosts; /* which; VIEW_ANY */
	unsigned int verdicts;	 /* of findings and CVEs: mask of 1 << enum verdict; 0: any */
	unsigned int severities; /* of findings and CVEs: mask of 1 << enum find_severity; 0: any */
	int64_t cve;		 /* index_cve(); 0: any */
	const char *q;		 /* of CVEs: part of the name; NULL: any */
};

/* The first line has names of columns, always. */
int export_systems(const struct map_view *v, const struct export_query *q, export_lines fn,
		   void *ctx, struct sut_err *err) _must_check_;
int export_findings(const struct map_view *v, const struct export_query *q, export_lines fn,
		    void *ctx, struct sut_err *err) _must_check_;
int export_cves(const struct map_view *v, const struct export_query *q, export_lines fn, void *ctx,
		struct sut_err *err) _must_check_;

#endif
