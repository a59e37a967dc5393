/* SPDX-License-Identifier: Apache-2.0 */
/* docs/formats/console-openapi.json and install/install.sh, put into the program by the build. */
#ifndef SUTURE_CONSOLE_API_DOCUMENT_H
#define SUTURE_CONSOLE_API_DOCUMENT_H

#include <stddef.h>

extern const unsigned char api_openapi[];
extern const size_t api_openapi_len;
extern const unsigned char install_script[];
extern const size_t install_script_len;

#endif
