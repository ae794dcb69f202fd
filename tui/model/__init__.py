"""What the desk knows, as plain values that no widget owns: ``desk`` (the fold of the service's messages),
``flaglist`` (which flags are shown, and where the cursor is), ``glance`` (clear, look or act), ``agenda``,
``discretion`` (what is veiled until asked for), ``capture`` (a post entered by hand, as typed)."""
