"""The files of the page of dashboards, as browsers get them. The plotting library is an artifact."""
