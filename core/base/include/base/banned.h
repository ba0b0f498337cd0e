/* Calls that do not come into Cordon's C: no bounds, global state, or a shell. Include it last. */
#ifndef CD_BANNED_H
#define CD_BANNED_H

/* Some C libraries make it a macro, which cannot be poisoned. */
#undef popen

#pragma GCC poison strcpy strcat strncpy strncat sprintf vsprintf strtok atoi atol atoll gets
#pragma GCC poison system popen tmpnam mktemp scanf sscanf localtime gmtime asctime ctime

#endif
