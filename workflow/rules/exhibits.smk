rule table:
    """Render a table of a paper: its notebook with the numbers as CSV, Markdown and LaTeX, and a page."""
    input:
        lambda wildcards: results(cells_of_exhibit(wildcards)),
    output:
        notebook="results/{scale}/{paper}/{table}.ipynb",
        html=report(
            "results/{scale}/{paper}/{table}.html",
            caption="../report/exhibit.rst",
            category="{paper}",
            subcategory="tables",
            labels={"table": "{table}", "scale": "{scale}"},
        ),
        csv="results/{scale}/{paper}/{table}.csv",
        markdown="results/{scale}/{paper}/{table}.md",
        latex="results/{scale}/{paper}/{table}.tex",
    log:
        "logs/{scale}/exhibits/{paper}/{table}.log",
    benchmark:
        "benchmarks/{scale}/exhibits/{paper}/{table}.tsv"
    conda:
        "../envs/exhibits.yaml"
    threads: 1
    resources:
        **on_cpu(minutes=30, memory=2000),
    params:
        settings=settings_of_exhibit,
        code=code_of_exhibit,
        title=title_of_exhibit,
        caption=caption_of_exhibit,
        changes=changes,
    message:
        "Rendering {wildcards.paper}/{wildcards.table} at scale {wildcards.scale}: {params.title}"
    shell:
        "python -m rnnrepro exhibit {wildcards.paper:q} {wildcards.table:q} --scale {wildcards.scale:q}"
        " {params.changes:q} > {log:q} 2>&1"


rule figure:
    """Draw a figure of a paper: its notebook with the picture, the numbers behind it, and a page."""
    input:
        lambda wildcards: results(cells_of_exhibit(wildcards)),
    output:
        notebook="results/{scale}/{paper}/{figure}.ipynb",
        html="results/{scale}/{paper}/{figure}.html",
        csv="results/{scale}/{paper}/{figure}.csv",
        markdown="results/{scale}/{paper}/{figure}.md",
        latex="results/{scale}/{paper}/{figure}.tex",
        png=report(
            "results/{scale}/{paper}/{figure}.png",
            caption="../report/exhibit.rst",
            category="{paper}",
            subcategory="figures",
            labels={"figure": "{figure}", "scale": "{scale}"},
        ),
        pdf="results/{scale}/{paper}/{figure}.pdf",
    log:
        "logs/{scale}/exhibits/{paper}/{figure}.log",
    benchmark:
        "benchmarks/{scale}/exhibits/{paper}/{figure}.tsv"
    conda:
        "../envs/exhibits.yaml"
    threads: 1
    resources:
        **on_cpu(minutes=30, memory=2000),
    params:
        settings=settings_of_exhibit,
        code=code_of_exhibit,
        title=title_of_exhibit,
        caption=caption_of_exhibit,
        changes=changes,
    message:
        "Drawing {wildcards.paper}/{wildcards.figure} at scale {wildcards.scale}: {params.title}"
    shell:
        "python -m rnnrepro exhibit {wildcards.paper:q} {wildcards.figure:q} --scale {wildcards.scale:q}"
        " {params.changes:q} > {log:q} 2>&1"
