/* SPDX-License-Identifier: Apache-2.0 */
/* The certificate of the key that signed the seeds in corpus/modsign. The key was thrown away. */
#ifndef SUTURE_TESTS_MODSIGN_CERT_H
#define SUTURE_TESTS_MODSIGN_CERT_H

static const char modsign_cert[] =
	"-----BEGIN CERTIFICATE-----\n"
	"MIIC7zCCAdegAwIBAgICEmcwDQYJKoZIhvcNAQELBQAwDzENMAsGA1UEAwwERnV6\n"
	"ejAgFw0yNjExMjEyMzM4MzFaGA8yMTI2MTAyODIzMzgzMVowDzENMAsGA1UEAwwE\n"
	"RnV6ejCCASIwDQYJKoZIhvcNAQEBBQADggEPADCCAQoCggEBANViJtZLGbsRKP4w\n"
	"Q+FOd5nMLLry73YkB+BnGBgmaHj4D0VmbJThnB2sGkUcsVBfKT8hPAIUJSpN4tCA\n"
	"0ZVovNBeUzfvYwX3n4TyMLAzvoZWULxoSRhqLh2Mow5Ko6JxIuQ+2Hf/uW7yWseY\n"
	"xlSYSD2uocHEWAxYuo9xkerPyqTW64y+/yNz5+sWiRp/1QVyQHSnywpSJxLfcB6L\n"
	"IsKt+gguhGObWF0PSObcqOj7PRQqaUGPanCHldmUmxQ1E67g6LZmi17i9Sjy0Nu1\n"
	"CqRbebmROktqTKfLpy4nwHMNFonGzecDQp9X+LQ9F9RmF+u3OmT2tl/ZE5TV4xHc\n"
	"0J3gh8sCAwEAAaNTMFEwHQYDVR0OBBYEFCGQiZm0wToA16fWQN2s6Co2S/WHMB8G\n"
	"A1UdIwQYMBaAFCGQiZm0wToA16fWQN2s6Co2S/WHMA8GA1UdEwEB/wQFMAMBAf8w\n"
	"DQYJKoZIhvcNAQELBQADggEBAJ1MSU+B7zXCg2iCA1/SgL+xLxwxea3Uah5kQNNK\n"
	"xaqOLDxfHnwJg+jtBDLF3OcU22LqGTSEdMYf6ko1MKZ910K3tIDF99SaM11sFH0o\n"
	"joGg+NyHqeDJ4eZStPlIivIRbaqoSesBzarBwWWra5e/yaYHDgQ+gySXzniDx3hd\n"
	"zN9voQ/HZAswTM+Ys1WPphNpmS3d/aKqne1nTVhIBTMBh/4QF2uuS8bx7tzUD0er\n"
	"MzM0BYMO1Y6Yg0Mq5ZPvcL+6AG8GUEpGgpETB/Yzr4vNgn1MT5xjDm274tutIC2p\n"
	"epqdPSMhINqkAf1OiSHn3mLH5l5ECugxzY0Lq14iP8dbP5w=\n"
	"-----END CERTIFICATE-----\n";

#endif
