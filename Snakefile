include: "workflow/Snakefile"


# An include never sets the default target: without this line `snakemake` would run nothing and report success.
workflow.default_target = "all"
