/* A library, but no plugin. */
extern int zoo_nothing;

int zoo_nothing = 0;
