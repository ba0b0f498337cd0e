/* Whether this build carries a sanitizer that reserves terabytes of address space at its start. */
#ifndef PF_LINUX_SANITIZER_H
#define PF_LINUX_SANITIZER_H

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define PF_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) ||                         \
    __has_feature(memory_sanitizer)
#define PF_SANITIZER 1
#endif
#endif
#ifndef PF_SANITIZER
#define PF_SANITIZER 0
#endif

#endif
