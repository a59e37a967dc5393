/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The built pages of a program, for browsers: a folder with index.html and what it loads, which is server.files_fd. A path
 * whose last part has no dot is a page, all of which are index.html; others are files. What is called NAME-HASH.ext in
 * assets/ never changes and is kept by the browser, everything else is asked for again (ETag). FILE.gz beside a file
 * goes to who takes gzip. Nothing outside the folder, no symbolic link and no name that begins with a dot is
 * given. Paths below /v1 are of the API: 404.
 */
#ifndef SUTURE_WEB_PAGES_H
#define SUTURE_WEB_PAGES_H

#include "web/web.h"

/* GET / and whatever no other route has. */
extern const struct web_route web_pages[];

#endif
