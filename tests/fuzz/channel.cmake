# What cordon-channel reads from the agent, and the certificates that it reads for it.
cordon_fuzz(fuzz_channel_agent SOURCES fuzz_channel_agent.c LINK cordon::channel)
