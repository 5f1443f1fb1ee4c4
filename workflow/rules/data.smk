rule fetch:
    """Get a data set from the mirror or from upstream; its files are checked and listed with their checksums."""
    output:
        stamp=f"{DATA}/{{dataset}}.sha256",
    log:
        "logs/fetch/{dataset}.log",
    benchmark:
        "benchmarks/fetch/{dataset}.tsv"
    retries: again(1)
    conda:
        "../envs/training.yaml"
    threads: 1
    resources:
        **on_cpu(minutes=120, memory=1000),
    params:
        changes=changes,
    message:
        "Fetching {wildcards.dataset}"
    shell:
        "python -m rnnrepro data fetch {wildcards.dataset:q} {params.changes:q} --stamp {output.stamp:q} > {log:q} 2>&1"
