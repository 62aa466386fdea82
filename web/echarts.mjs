// The parts of ECharts that <tw-figure> draws with, and no more.
import { init, use } from "echarts/core";
import { CustomChart, LineChart, ScatterChart } from "echarts/charts";
import { GridComponent } from "echarts/components";
import { CanvasRenderer } from "echarts/renderers";

use([CustomChart, LineChart, ScatterChart, GridComponent, CanvasRenderer]);

export { init };
