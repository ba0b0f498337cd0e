/* Who signed a program, by Authenticode: in the file itself, or in a catalogue of the system's. */
#ifndef READ_SIGN_H
#define READ_SIGN_H

#include "read.h"

enum { WIN_SIGNER = 128, WIN_VERDICT = 64 };

typedef struct win_signature {
  char verdict[WIN_VERDICT]; /* "valid", "valid (catalogue)", "none", "not trusted (0x...)", ... */
  char signer[WIN_SIGNER];   /* of the certificate's subject */
} win_signature;

/* Nothing is fetched from the network: revocation is judged by what is cached. */
void win_signature_of(const wchar_t *path, win_signature *ret_signature);

/* Says of the file that is begun that this system checks no signatures, where it does not. */
void win_mark_signatures(col_task *t);

/* The SHA-256 and the signature of programs, each file looked at once. */
typedef struct win_programs win_programs;
win_programs *win_programs_new(void);
void win_programs_free(win_programs *p); /* NULL is fine */

/* The fields sha256,signature,signer. */
#define WIN_PROGRAM_COLUMNS "sha256,signature,signer"
void win_program_fields(col_task *t, win_programs *p, const wchar_t *path);

#endif
