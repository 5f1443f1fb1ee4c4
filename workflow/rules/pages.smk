rule claims:
    """Judge the claims of the chosen papers by all their results."""
    input:
        lambda wildcards: results(cells(wildcards.scale)),
    output:
        csv=report(
            "results/{scale}/claims.csv",
            caption="../report/claims.rst",
            category="claims",
            labels={"scale": "{scale}"},
        ),
    log:
        "logs/{scale}/claims.log",
    benchmark:
        "benchmarks/{scale}/claims.tsv"
    conda:
        "../envs/exhibits.yaml"
    threads: 1
    resources:
        **on_cpu(minutes=30, memory=2000),
    params:
        settings=settings_of_papers,
        code=lambda wildcards: code("rnnrepro.cli.claims"),
        changes=changes,
    message:
        "Judging the papers' claims at scale {wildcards.scale}"
    shell:
        "python -m rnnrepro claims --scale {wildcards.scale:q} {params.changes:q} --output {output.csv:q} > {log:q} 2>&1"


rule metrics:
    """Put the results of all cells of a scale into one file, for a reader's own analyses."""
    input:
        lambda wildcards: results(cells(wildcards.scale)),
    output:
        parquet="results/{scale}/metrics.parquet",
    log:
        "logs/{scale}/metrics.log",
    benchmark:
        "benchmarks/{scale}/metrics.tsv"
    conda:
        "../envs/exhibits.yaml"
    threads: 1
    resources:
        **on_cpu(minutes=30, memory=2000),
    params:
        code=lambda wildcards: code("rnnrepro.cli.metrics"),
        changes=changes,
    message:
        "Gathering all results of scale {wildcards.scale}"
    shell:
        "python -m rnnrepro metrics --scale {wildcards.scale:q} {params.changes:q} --output {output.parquet:q}"
        " > {log:q} 2>&1"


rule page:
    """Write the page of a paper: verdicts on its claims, exhibits, protocols, deviations and costs."""
    input:
        exhibits=lambda wildcards: pages_of_exhibits(wildcards.paper, wildcards.scale),
        results=lambda wildcards: results(cells(wildcards.scale, wildcards.paper)),
        costs=lambda wildcards: costs(cells(wildcards.scale, wildcards.paper)),
    output:
        html="results/{scale}/{paper}/index.html",
    log:
        "logs/{scale}/pages/{paper}.log",
    benchmark:
        "benchmarks/{scale}/pages/{paper}.tsv"
    conda:
        "../envs/exhibits.yaml"
    threads: 1
    resources:
        **on_cpu(minutes=30, memory=2000),
    params:
        settings=settings_of_papers,
        code=lambda wildcards: code("rnnrepro.cli.page"),
        look=lambda wildcards: look(),
        changes=changes,
    message:
        "Writing the page of {wildcards.paper} at scale {wildcards.scale}"
    shell:
        "python -m rnnrepro page {wildcards.paper:q} --scale {wildcards.scale:q} {params.changes:q}"
        " --output {output.html:q} > {log:q} 2>&1"


rule report:
    """Write the report of a scale: what is reproduced of each chosen paper, and how far."""
    input:
        pages=lambda wildcards: [f"results/{wildcards.scale}/{paper}/index.html" for paper in PROJECT.chosen],
        claims="results/{scale}/claims.csv",
    output:
        html="results/{scale}/report.html",
    log:
        "logs/{scale}/report.log",
    benchmark:
        "benchmarks/{scale}/report.tsv"
    conda:
        "../envs/exhibits.yaml"
    threads: 1
    resources:
        **on_cpu(minutes=30, memory=2000),
    params:
        settings=settings_of_papers,
        code=lambda wildcards: code("rnnrepro.cli.report"),
        look=lambda wildcards: look(*benches()),
        changes=changes,
    message:
        "Writing the report of scale {wildcards.scale}"
    shell:
        "python -m rnnrepro report --scale {wildcards.scale:q} {params.changes:q} --output {output.html:q}"
        " > {log:q} 2>&1"
