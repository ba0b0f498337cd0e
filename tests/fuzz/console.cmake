# The console's server: what comes in an HTTP request, before anybody is known and after.
foreach(subject odata form bearer body call found range)
  cordon_fuzz(fuzz_console_${subject} SOURCES fuzz_console_${subject}.c LINK cordon::console)
endforeach()
