/// The page's looks: light and dark, phone and print.
///
/// The six series colours are those of Okabe and Ito, which
/// people with any colour vision can tell apart (https://jfly.uni-koeln.de/color/); lines differ by dashes too.
package enum ReportStyle {
    package static let css = """
        :root{color-scheme:light dark;--paper:#fff;--ink:#1b1f24;--soft:#57606a;--line:#d0d7de;--card:#f6f8fa;\
        --good:#00684a;--bad:#a83200;--open:#7a4d00;--c0:#0072b2;--c1:#d55e00;--c2:#009e73;--c3:#b8428c;\
        --c4:#a06d00;--c5:#3b7ea1}
        @media (prefers-color-scheme:dark){:root{--paper:#0f1418;--ink:#e4e9ee;--soft:#9aa6b2;--line:#343d46;\
        --card:#181f26;--good:#4cc99b;--bad:#ff8a5c;--open:#f0b429;--c0:#56b4e9;--c1:#ff8a3d;--c2:#3ccf9f;\
        --c3:#e59cc9;--c4:#f0c04a;--c5:#9fd3f0}}
        *{box-sizing:border-box}
        body{margin:0 auto;max-width:72rem;padding:1.5rem 1.25rem 4rem;background:var(--paper);color:var(--ink);\
        font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif}
        h1{font-size:1.6rem;margin:.2rem 0 .4rem;line-height:1.2}
        h2{font-size:1.2rem;margin:2.4rem 0 .7rem;padding-bottom:.25rem;border-bottom:1px solid var(--line)}
        h3{font-size:1rem;margin:1.4rem 0 .4rem}
        p{margin:.4rem 0;max-width:46rem}
        .soft,figcaption,caption{color:var(--soft)}
        .badge{display:inline-block;padding:.1rem .6rem;border-radius:1rem;border:1.5px solid currentColor;\
        font-weight:600;font-size:.85rem;margin-right:.4rem;white-space:nowrap}
        .VALID{color:var(--good)}.INVALID{color:var(--bad)}.INCONCLUSIVE,.INCOMPLETE{color:var(--open)}
        .banner{border-left:4px solid var(--open);background:var(--card);padding:.7rem 1rem;margin:1rem 0}
        .scroll{overflow-x:auto;margin:.6rem 0}
        table{border-collapse:collapse;width:100%;font-size:.9rem;font-variant-numeric:tabular-nums}
        caption{text-align:left;padding:.2rem 0;font-size:.85rem}
        th,td{text-align:left;vertical-align:top;padding:.35rem .8rem .35rem 0;border-bottom:1px solid var(--line)}
        th{font-weight:600;white-space:nowrap;color:var(--soft);font-size:.82rem}
        table.figures td{white-space:nowrap}
        tr.more td{border-top:0}
        .first td{border-bottom:0}
        .grid2{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,26rem),1fr));gap:1rem}
        figure{margin:0;padding:.8rem;background:var(--card);border:1px solid var(--line);border-radius:.5rem}
        figcaption{font-size:.85rem;margin-top:.3rem}
        svg{display:block;width:100%;height:auto}
        .drawing{background:#fff;color:#1b1f24;padding:.5rem;border-radius:.3rem;overflow-x:auto}
        .drawing svg{width:auto;max-width:100%;max-height:44rem;margin:0 auto}
        ul.findings{list-style:none;padding:0;margin:.6rem 0}
        ul.findings li{border-left:3px solid var(--line);padding:.1rem 0 .1rem .9rem;margin:.8rem 0}
        .grid{stroke:var(--line);stroke-width:.7}.frame{stroke:var(--soft);fill:none}
        .tick,.axis,.label{font-size:12px;fill:var(--soft)}.label{fill:var(--ink);font-weight:600;\
        paint-order:stroke;stroke:var(--card);stroke-width:4px;stroke-linejoin:round}
        .line{fill:none;stroke-width:2;stroke-linejoin:round}
        .s0{stroke:var(--c0)}.s1{stroke:var(--c1)}.s2{stroke:var(--c2)}.s3{stroke:var(--c3)}.s4{stroke:var(--c4)}\
        .s5{stroke:var(--c5)}
        .line.s1{stroke-dasharray:7 3}.line.s2{stroke-dasharray:2 3}.line.s3{stroke-dasharray:9 3 2 3}\
        .line.s4{stroke-dasharray:4 4}.line.s5{stroke-dasharray:12 4}
        .point{fill:var(--card);stroke-width:2.5}
        .mark{stroke-width:1.6}.mark.bound{stroke:var(--c1);stroke-dasharray:6 3}\
        .mark.limit{stroke:var(--c3);stroke-dasharray:2 3}
        text.bound{fill:var(--c1)}text.limit{fill:var(--c3)}
        ol.points{margin:.4rem 0 0;padding-left:1.5rem}
        details{border:1px solid var(--line);border-radius:.5rem;margin:.5rem 0;padding:.1rem .8rem}
        summary{cursor:pointer;padding:.45rem 0;font-weight:600}
        dl{display:grid;grid-template-columns:max-content 1fr;gap:.2rem 1.2rem;font-size:.9rem;margin:.6rem 0}
        dt{color:var(--soft)}dd{margin:0;overflow-wrap:anywhere}
        code{font-size:.85em;overflow-wrap:anywhere}
        @media (max-width:40rem){body{padding:1rem .8rem 3rem;font-size:15px}h1{font-size:1.35rem}\
        table.stack thead{display:none}table.stack,table.stack tbody,table.stack caption{display:block}\
        table.stack tr{display:block;padding:.45rem 0;border-bottom:1px solid var(--line)}\
        table.stack td{display:grid;grid-template-columns:8.2rem 1fr;gap:.6rem;border:0;padding:.12rem 0;white-space:normal}\
        table.stack td:empty{display:none}table.stack td::before{content:attr(data-title);color:var(--soft)}\
        table.figures.stack tr{display:grid;grid-template-columns:1fr auto;column-gap:1rem;padding:.3rem 0}\
        table.figures.stack tr.first{border-bottom:0;padding-bottom:0}\
        table.figures.stack td{display:block;padding:.05rem 0}table.figures.stack td:empty{display:none}\
        table.figures.stack td::before{content:none}\
        .figures td:nth-child(1){grid-area:1/1;font-weight:600}.figures td:nth-child(2){grid-area:2/1}\
        .figures td:nth-child(3){grid-area:3/1}.figures td:nth-child(4){grid-area:3/2;text-align:right;font-weight:600}\
        .figures td:nth-child(5){grid-area:4/2;text-align:right;color:var(--soft)}\
        .figures td:nth-child(6){grid-area:4/1;color:var(--soft)}.figures td:nth-child(8){grid-area:1/2;text-align:right}\
        .figures td:nth-child(7){grid-area:5/1/6/3;color:var(--soft)}\
        table.figures.stack td:nth-child(6)::before,table.figures.stack td:nth-child(7)::before\
        {content:attr(data-title) ": "}\
        dl{grid-template-columns:1fr;gap:0}dd{margin-bottom:.5rem}figure{padding:.4rem}\
        .tick,.axis,.label{font-size:14px}}
        @media print{:root{--paper:#fff;--ink:#000;--soft:#444;--line:#bbb;--card:#fff;--good:#00684a;--bad:#a83200;\
        --open:#7a4d00;--c0:#0072b2;--c1:#d55e00;--c2:#009e73;--c3:#b8428c;--c4:#a06d00;--c5:#3b7ea1}\
        body{max-width:none;padding:0;font-size:10pt}figure,tr,h2,h3{break-inside:avoid}h2,h3{break-after:avoid}\
        .scroll{overflow:visible}details::details-content{content-visibility:visible;display:block}}
        """
}
