/* SPDX-License-Identifier: Apache-2.0 */
/* Files of this tree that are part of the program (embed). */
#ifndef SUTURE_PORTAL_API_DOCUMENT_H
#define SUTURE_PORTAL_API_DOCUMENT_H

#include <stddef.h>

/* docs/formats/openapi.json */
extern const unsigned char api_openapi[];
extern const size_t api_openapi_len;

/* portal/install/install.sh */
extern const unsigned char install_script[];
extern const size_t install_script_len;

#endif
